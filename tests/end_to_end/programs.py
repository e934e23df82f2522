"""A chat with its HTTP interface, and what a program has: a token, and curl."""

import json
import re
from pathlib import Path
from typing import Any

from tests.end_to_end.harness import PATIENCE, Person, Program, Server, tool

PASSWORD = "correct horse battery"  # noqa: S105


class Site(Server):
    """A chat with --web, and its data in a directory that outlives it."""

    def __init__(self, cwd: Path, *arguments: str, web: str = "tcp:0:interface=127.0.0.1") -> None:
        super().__init__(cwd, "--web", web, *arguments)
        self.web = self.also("ChatSite")

    def url(self, path: str = "/rooms/ops/messages") -> str:
        """Return the address of something."""
        return f"http://127.0.0.1:{self.web}{path}"

    def founder(self, room: str = "#ops") -> Person:
        """Return somebody who has just made a room that is kept."""
        person = self.join("alice")
        person.say(f"/register {PASSWORD}", f"/join {room}")
        person.until(f"alice joined {room}")
        return person


def token_of(person: Person, what: str = "deploy #ops") -> str:
    """Make a token; return it."""
    person.say(f"/token {what}")
    while (line := person.line()) is not None:
        assert not line.startswith("!"), line
        if found := re.fullmatch(r"-- (chat_\S{43})", line):
            return found[1]
    raise AssertionError("no token")


def curl(*arguments: str, token: str = "") -> tuple[int, Any]:
    """Run curl; return the status, 0 for no answer, and the JSON that came."""
    command = [tool("curl"), "-sS", "--max-time", "20", "-w", "\n%{http_code}", *arguments]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    with Program(*command) as program:
        program.close_input()
        program.process.wait(PATIENCE)
        program.wait()
        body, _, status = program.text.rstrip("\n").rpartition("\n")
    return int(status), json.loads(body) if body and int(status) else None


def follow(url: str, token: str, *arguments: str) -> Program:
    """Follow a room with curl."""
    command = [tool("curl"), "-sS", "-N", url, "-H", f"Authorization: Bearer {token}", *arguments]
    return Program(*command)
