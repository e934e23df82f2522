"""chat-admin's command line, made from a table of commands."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import chatservice

DATA: Final = "chat-data"
"""The directory unless another is named; also that of ``twistd chat``."""


def _none(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


class Command(NamedTuple):
    """One command.

    :ivar run: does it; given the command line (``data`` is the directory), returns the exit code.
    :ivar summary: what it does, one line.
    :ivar example: a command line.
    :ivar options: adds its options.
    """

    name: str
    run: Callable[[argparse.Namespace], int]
    summary: str
    example: str
    options: Callable[[argparse.ArgumentParser], None] = _none


def parse(
    commands: Sequence[Command], arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Parse the command line; ``run`` of what is returned is the command's.

    :param arguments: without the program's name; None for this process's own.
    :raises SystemExit: with code 2 if it is not usable; with 0 after --help or --version.
    """
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="chat-admin",
        description="Look after a chat's history and accounts, whether the chat runs or not.\n"
        "Run it as the user that the chat runs as.",
        epilog="for example:\n" + "\n".join(f"  {command.example}" for command in commands),
        formatter_class=layout,
    )
    parser.add_argument(
        "--version", action="version", version=f"chat-admin {chatservice.__version__}"
    )
    _add_data(parser, Path(DATA))
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        own = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=f"for example:\n  {command.example}",
            formatter_class=layout,
        )
        _add_data(own, argparse.SUPPRESS)
        command.options(own)
        own.set_defaults(run=command.run)
    return parser.parse_args(arguments)


def _add_data(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=default,
        help=f"the chat's directory ({DATA} unless given)",
    )
