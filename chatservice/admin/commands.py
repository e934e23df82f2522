"""The commands of chat-admin: one table, which the command line and its help are made from."""

import argparse
import json
import os
import stat
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from wcwidth import wcswidth

from chatservice.admin import accounts, tokens
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


def _name_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the account's name")


def _add_user_options(parser: argparse.ArgumentParser) -> None:
    _name_option(parser)
    parser.add_argument("--role", choices=accounts.ROLES, default="user", help="user unless given")


def _add_user(given: argparse.Namespace) -> int:
    name = accounts.add(given.data, given.name, accounts.ROLES[given.role])
    _say(f"{name} is registered" + (", as an admin" if given.role == "admin" else ""))
    return 0


def _set_password(given: argparse.Namespace) -> int:
    _say(f"the password of {accounts.set_password(given.data, given.name)} is changed")
    return 0


def _delete_user(given: argparse.Namespace) -> int:
    _say(f"{accounts.remove(given.data, given.name)} is removed")
    return 0


def _grant_options(parser: argparse.ArgumentParser) -> None:
    _name_option(parser)
    parser.add_argument("role", metavar="ROLE", choices=accounts.ROLES, help="user or admin")


def _grant(given: argparse.Namespace) -> int:
    name = accounts.set_role(given.data, given.name, accounts.ROLES[given.role])
    _say(f"{name} is {'an admin' if given.role == 'admin' else 'a user'} now")
    return 0


def _revoke(given: argparse.Namespace) -> int:
    return _grant(argparse.Namespace(data=given.data, name=given.name, role="user"))


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _users(given: argparse.Namespace) -> int:
    found = accounts.users(given.data)
    if given.json:
        _say_json([asdict(user) for user in found])
        return 0
    width = max((wcswidth(user.name) for user in found), default=0)
    for user in found:
        words = [
            user.name + " " * (width - wcswidth(user.name)),
            f"{user.role:5}",
            f"since {accounts.when(user.since)}",
            f"last here {accounts.when(user.seen)}",
            *(["a bot"] if user.bot else [] if user.password else ["password elsewhere"]),
        ]
        _say("  ".join(words))
    if not found:
        _say("there are no accounts yet")
    return 0


def _bans(given: argparse.Namespace) -> int:
    found = accounts.bans(given.data)
    if given.json:
        _say_json(found)
        return 0
    for ban in found:
        _say(accounts.describe_ban(ban))
    if not found:
        _say("nobody is banned or muted")
    return 0


def _token_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    add = actions.add_parser("add", help="let a bot into rooms, and print its token, once")
    add.add_argument("name", metavar="NAME", help="what the bot is called")
    add.add_argument("rooms", metavar="ROOM", nargs="+", help="with or without its #")
    rights = add.add_mutually_exclusive_group()
    rights.add_argument("--read", action="store_true", help="it may only read")
    rights.add_argument("--write", action="store_true", help="it may only write")
    _json_option(actions.add_parser("list", help="list bots and what their tokens are for"))
    revoke = actions.add_parser("revoke", help="end a bot and its token")
    revoke.add_argument("name", metavar="NAME", help="the bot's name")


def _token(given: argparse.Namespace) -> int:
    if given.action == "add":
        rooms = [f"#{room.removeprefix('#')}" for room in given.rooms]
        _say(tokens.add(given.data, given.name, rooms, not given.write, not given.read))
    elif given.action == "revoke":
        _say(f"the bot {tokens.revoke(given.data, given.name)} and its token are no more")
    else:
        found = tokens.listed(given.data)
        if given.json:
            _say_json([asdict(one) for one in found])
            return 0
        for one in found:
            _say(tokens.describe(one))
        if not found:
            _say("there are no bots")
    return 0


def _say_json(value: object) -> None:
    _say(json.dumps(value, ensure_ascii=False, indent=2))


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
    Command(
        "adduser",
        _add_user,
        "register a nickname; asks for the password, or reads it from standard input",
        "chat-admin adduser alice --role admin",
        _add_user_options,
    ),
    Command(
        "passwd",
        _set_password,
        "change an account's password; asks for it, or reads it from standard input",
        "chat-admin passwd alice",
        _name_option,
    ),
    Command(
        "deluser",
        _delete_user,
        "remove an account; the nickname is anybody's then",
        "chat-admin deluser alice",
        _name_option,
    ),
    Command("users", _users, "list the accounts", "chat-admin users", _json_option),
    Command(
        "grant",
        _grant,
        "make an account an admin's",
        "chat-admin grant alice admin",
        _grant_options,
    ),
    Command(
        "revoke",
        _revoke,
        "make an admin's account a user's",
        "chat-admin revoke alice",
        _name_option,
    ),
    Command(
        "token",
        _token,
        "let bots in over HTTP: add, list and revoke their tokens",
        "chat-admin token add deploy '#ops' --write",
        _token_options,
    ),
    Command("bans", _bans, "list the bans and mutes that hold", "chat-admin bans", _json_option),
)
