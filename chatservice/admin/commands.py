"""The commands of chat-admin: one table, which the command line and its help are made from."""

import argparse
import json
import os
import stat
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from chatservice.admin.exporting import export
from chatservice.admin.importing import import_
from chatservice.admin.options import Command
from chatservice.admin.statistics import counted, describe, human, stats
from chatservice.admin.upkeep import check, sizes, vacuum


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--room", metavar="ROOM", default="", help="this room alone")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="write to FILE, which appears once it is complete, instead of standard output",
    )
    parser.add_argument("--private", action="store_true", help="what was said in private, too")


def _export(given: argparse.Namespace) -> int:
    lines = export(given.data, given.out, given.room, given.private)
    if given.out:
        _say(f"{counted(lines, 'line')} exported to {given.out}")
    return 0


def _import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="standard input unless given"
    )


def _import(given: argparse.Namespace) -> int:
    with ExitStack() as stack:
        source = sys.stdin.buffer
        if given.file != "-":
            source = stack.enter_context(open(given.file, "rb"))
        status = os.fstat(source.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        taken, known, cleaned = import_(given.data, source, size)
    _say(
        f"{counted(taken, 'line')} imported" + (f", {known:,} were there already" if known else "")
    )
    if cleaned:
        _say(f"in {counted(cleaned, 'line')} control characters were replaced")
    return 0


def _vacuum(given: argparse.Namespace) -> int:
    before = sum(sizes(given.data))
    _say("A chat that runs in this directory waits until this is done.")
    if not vacuum(given.data):
        _say("Somebody still reads the old file, an export perhaps: run it again after that.")
    after = sum(sizes(given.data))
    _say(f"{human(before)} before, {human(after)} now: {human(max(0, before - after))} given back")
    return 0


def _check(given: argparse.Namespace) -> int:
    problems = check(given.data)
    for problem in problems:
        _say(problem)
    if not problems:
        _say("ok")
    return 1 if problems else 0


def _stats_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs: sizes in bytes")


def _stats(given: argparse.Namespace) -> int:
    found = stats(given.data)
    _say(
        json.dumps(found.as_json(), ensure_ascii=False, indent=2) if given.json else describe(found)
    )
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


COMMANDS: Final = (
    Command(
        "export",
        _export,
        "write what was said as lines of JSON, while the chat runs or not",
        "chat-admin export --room '#lobby' --out lobby.jsonl",
        _export_options,
    ),
    Command(
        "import",
        _import,
        "take such lines into the history; all of them or, if one is not good, none",
        "chat-admin --data new-chat-data import lobby.jsonl",
        _import_options,
    ),
    Command(
        "vacuum",
        _vacuum,
        "give back space, and erase what was removed; the chat waits meanwhile",
        "chat-admin vacuum",
    ),
    Command(
        "check",
        _check,
        "look for damage; exit code 1 if there is any",
        "chat-admin check || mail -s 'chat: damaged' root < /dev/null",
    ),
    Command(
        "stats",
        _stats,
        "how much there is of what",
        "chat-admin stats --json | jq .lines",
        _stats_options,
    ),
)
