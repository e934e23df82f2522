"""Real IRC clients before a real server, each driven as its users drive it.

ii by its FIFOs, WeeChat without a screen by its FIFO, and irssi (in irssi.py) by its keys. What
a test asks of them is the same: come in, say something, wait until something is shown, and tell who
is in the list of nicknames, in each client's own words. What they write goes to a directory of the
test's own; whoever waits, waits for output, and every program ends by its own id.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.end_to_end.harness import Program, tool


class Client:
    """What all clients have in common.

    :cvar WORDS: how each of them shows what happens, as regular expressions with the names of what
        stands in them.
    :cvar THEN: what stands in front of a text from the past, for clients that know no server-time.
    """

    WORDS: ClassVar[Mapping[str, str]]
    THEN: ClassVar[str] = ""

    def __init__(self, nick: str) -> None:
        self.nick = nick

    def __enter__(self) -> Self:
        """Use it as a context: it is in when the block begins, and ends with the block."""
        try:
            self.comes_in()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program, by its own id."""
        self.end()

    def comes_in(self, times: int = 1) -> None:
        """Wait until the server has welcomed it, so many times."""
        raise NotImplementedError

    def command(self, line: str, where: str = "") -> None:
        """Type a line, a command or a text, in the window of a room or person; "": the server's."""
        raise NotImplementedError

    def lines(self, where: str = "") -> list[str]:
        """Return what a window shows by now, line by line."""
        raise NotImplementedError

    def shows(self, pattern: str, where: str = "", times: int = 1) -> str:
        """Wait until a window shows a pattern in so many lines; return what was found last."""
        raise NotImplementedError

    def people(self, room: str) -> list[str]:
        """Return the nicknames that the client believes to be in a room, sorted."""
        raise NotImplementedError

    def has_topic(self, topic: str, room: str) -> None:
        """Wait until the client believes a room to have a topic."""
        raise NotImplementedError

    def end(self) -> None:
        """End it, whatever it does."""
        raise NotImplementedError

    def sees(self, what: str, where: str = "", times: int = 1, **words: str) -> str:
        """Wait until something is shown in the client's own words.

        :param what: which of WORDS.
        :param words: the names that stand in it.
        """
        escaped = {name: re.escape(word) for name, word in words.items()}
        return self.shows(self.WORDS[what].format(**escaped), where, times)

    def recalls(self, what: str, where: str, nick: str, text: str) -> None:
        """Wait until a window shows what somebody said before the client came; see sees."""
        said = self.THEN + re.escape(text)
        self.shows(self.WORDS[what].format(nick=re.escape(nick), text=said), where)

    def hears(self, nick: str, text: str, where: str, times: int = 1) -> None:
        """Wait until a window shows what somebody said."""
        self.sees("said", where, times, nick=nick, text=text)

    def say(self, text: str, where: str) -> None:
        """Say something in a room, or to a person."""
        self.command(text, where)

    def act(self, text: str, where: str) -> None:
        """Say what one does."""
        self.command(f"/me {text}", where)

    def set_topic(self, text: str, room: str) -> None:
        """Set a room's topic."""
        self.command(f"/topic {text}", room)

    def rename(self, nick: str) -> None:
        """Take another nickname."""
        self.command(f"/nick {nick}")
        self.nick = nick

    def ask(self, line: str) -> None:
        """Send the server a line as it is."""
        self.command(f"/quote {line}")

    def join(self, room: str) -> None:
        """Join a room."""
        self.command(f"/join {room}")
        self.sees("joined", room, nick=self.nick, room=room)

    def quit(self, reason: str = "") -> None:
        """Leave the chat, and see the program end."""
        raise NotImplementedError


class Ii(Client):
    """ii: a directory for each window, with a FIFO ``in`` and a file ``out``.

    It keeps no list of nicknames; who is in a room, it must ask.

    :param home: a directory of its own.
    :param password: what it gives with PASS.
    """

    WORDS: ClassVar = {
        "said": r"<{nick}> {text}$",
        "acted": "<{nick}> \x01ACTION {text}\x01$",
        "noticed": r'-!- "{text}"',
        "joined": r"-!- {nick}\(\S+\) has joined {room}$",
        "left": r"-!- {nick}\(\S+\) has left {room}$",
        "quit": r'-!- {nick}\(\S+\) has quit ".*"$',
        "renamed": r'-!- (?:{nick} changed nick to {new}|changed nick to "{new}")$',
        "kicked": r'-!- {by} kicked {nick} +\("{text}"\)$',
        "topic": r'-!- {nick} changed topic to "{text}"$',
        "mode": r"-!- {by} changed mode/{room} -> {text} ?$",
    }
    THEN = r"\[\d\d:\d\d\] "

    def __init__(self, home: Path, port: int, nick: str, *, password: str = "") -> None:
        super().__init__(nick)
        self._home = home / "127.0.0.1"
        self._ins: dict[str, int] = {}
        self._outs: dict[str, Program] = {}
        key = ["-k", "IRC_PASSWORD"] if password else []
        arguments = ["-i", str(home), "-s", "127.0.0.1", "-p", str(port), "-n", nick, *key]
        self.program = Program(tool("ii"), *arguments, env={"IRC_PASSWORD": password})

    def comes_in(self, times: int = 1) -> None:
        """Wait for the end of the server's greeting, which ii shows as it is."""
        self.program.expect(r"^\d+ :\S+ (?:376|422) ", times)

    def _out(self, where: str) -> Program:
        if where not in self._outs:
            out = self._home / where.lower() / "out"
            self._outs[where] = Program("tail", "-q", "-s", "0.1", "-n", "+1", "-F", out)
        return self._outs[where]

    def command(self, line: str, where: str = "") -> None:
        """Write a line to a window's FIFO, which stays open: ii opens it anew at its end."""
        if line.startswith("/join "):
            line = f"/j {line[6:]}"
        door = self._home / where.lower() / "in"
        if where and not where.startswith("#") and not door.exists():
            self.command(f"/j {where} {line}")
            return
        if where not in self._ins:
            self.shows(".", where)
            self._ins[where] = os.open(door, os.O_WRONLY)
        os.write(self._ins[where], f"{line}\n".encode())

    def act(self, text: str, where: str) -> None:
        """Say what one does, as ii's users write it."""
        self.command(f"\x01ACTION {text}\x01", where)

    def set_topic(self, text: str, room: str) -> None:
        """Set a room's topic."""
        self.command(f"/t {text}", room)

    def rename(self, nick: str) -> None:
        """Take another nickname."""
        self.command(f"/n {nick}")
        self.nick = nick

    def ask(self, line: str) -> None:
        """Send the server a line as it is."""
        self.command(f"/{line}")

    def sees(self, what: str, where: str = "", times: int = 1, **words: str) -> str:
        """Wait until something is shown; ii tells in the server's window who quits or renames."""
        where = "" if what in ("quit", "renamed") else where
        return super().sees(what, where, times, **words)

    def lines(self, where: str = "") -> list[str]:
        """Return what stands in a window's file, without the times."""
        out = self._home / where.lower() / "out"
        text = out.read_text("utf-8", "replace") if out.exists() else ""
        return [line.partition(" ")[2] for line in text.split("\n")[:-1]]

    def shows(self, pattern: str, where: str = "", times: int = 1) -> str:
        """Wait for lines in a window's file."""
        return self._out(where).expect(rf"^\d+ {pattern}", times)[0]

    def people(self, room: str) -> list[str]:
        """Ask who is in a room."""
        asked = rf"^\d+ :\S+ 366 \S+ {re.escape(room)} "
        before = len(re.findall(asked, self.program.text, re.MULTILINE))
        self.command(f"/NAMES {room}")
        end = self.program.expect(asked, before + 1).start()
        text = self.program.text[:end]
        last = max((found.end() for found in re.finditer(asked, text, re.MULTILINE)), default=0)
        names = re.findall(r"^\d+ :\S+ 353 \S+ . \S+ :(.*)$", text[last:], re.MULTILINE)
        return sorted(name.lstrip("@+") for part in names for name in part.split())

    def has_topic(self, topic: str, room: str) -> None:
        """Ask for a room's topic."""
        asked = rf"^\d+ :\S+ 33[12] \S+ {re.escape(room)} :(.*)$"
        before = len(re.findall(asked, self.program.text, re.MULTILINE))
        self.command(f"/TOPIC {room}")
        assert self.program.expect(asked, before + 1)[1] == topic

    def quit(self, reason: str = "") -> None:
        """Leave the chat, and see ii end."""
        self.command(f"/q {reason}")
        self.program.wait()

    def end(self) -> None:
        """End ii and what reads its files."""
        self.program.end()
        for tail in self._outs.values():
            tail.end()
        for descriptor in self._ins.values():
            os.close(descriptor)
        self._ins.clear()


class WeeChat(Client):
    """WeeChat without a screen: a trigger prints what its windows show, a FIFO takes what is typed.

    :param home: a directory of its own.
    :param password: what it gives with PASS.
    :param options: of its connection, as in ``irc.server.*``.
    """

    WORDS: ClassVar = {
        "said": r"[@+]?{nick}\|{text}$",
        "acted": r" \*\|{nick} {text}$",
        "noticed": r"--\|Notice\({nick}\)(?: -> \S+)?: {text}$",
        "joined": r"-->\|{nick} (?:\[\S+\] )?(?:\(.*\) )?\(\S+\) has joined {room}$",
        "left": r"<--\|{nick} \(\S+\) has left {room}(?: \(.*\))?$",
        "quit": r"<--\|{nick} \(\S+\) has quit \(.*\)$",
        "renamed": r"--\|(?:{nick} is now known as {new}|You are now known as {new})$",
        "kicked": r"<--\|{by} has kicked {nick} +\({text}\)$",
        "topic": r'--\|{nick} has changed topic for \S+ (?:from ".*" )?to "{text}"$',
        "mode": r"--\|Mode {room} \[{text}\] by {by}$",
    }

    _SHOWN: ClassVar = "${buffer.full_name}|${tg_prefix_nocolor}|${tg_message_nocolor}"

    def __init__(
        self, home: Path, port: int, nick: str, *, password: str = "", **options: str
    ) -> None:
        super().__init__(nick)
        self._asked = 0
        options = {
            "nicks": nick,
            "username": nick,
            "realname": nick,
            "password": password,
            "autoreconnect_delay": "1",
            "anti_flood_prio_high": "0",
            **options,
        }
        fifo = home / "typed"
        startup = [
            "/trigger disable beep",
            f'/trigger add shown print "" "" "" "/print -stdout {self._SHOWN}\\n"',
            "/set irc.look.smart_filter off",
            "/set irc.look.server_buffer independent",
            f"/set fifo.file.path {fifo}",
            f"/server add chat 127.0.0.1/{port}",
            *(f'/set irc.server.chat.{name} "{value}"' for name, value in options.items()),
            "/connect chat",
        ]
        command = [tool("weechat-headless"), "-s", "-P", "alias,fifo,irc,trigger", "-d", str(home)]
        for line in startup:
            command += ["-r", f"${{raw:{line}}}"]
        self.program = Program(*command)
        self._fifo = fifo
        self._typed = -1

    def comes_in(self, times: int = 1) -> None:
        """Wait for the end of the server's greeting."""
        self.shows(r"--\|.*no message of the day", times=times)
        if self._typed < 0:
            self._typed = os.open(self._fifo, os.O_WRONLY)

    def _buffer(self, where: str) -> str:
        return f"irc.chat.{where}" if where else "irc.server.chat"

    def command(self, line: str, where: str = "") -> None:
        """Write a line to the FIFO."""
        os.write(self._typed, f"{self._buffer(where)} *{line}\n".encode())

    def lines(self, where: str = "") -> list[str]:
        """Return what a window showed."""
        start = f"{self._buffer(where)}|"
        text = self.program.text.split("\n")
        return [line.removeprefix(start) for line in text if line.startswith(start)]

    def shows(self, pattern: str, where: str = "", times: int = 1) -> str:
        """Wait for lines of a window."""
        return self.program.expect(rf"^{re.escape(self._buffer(where))}\|{pattern}", times)[0]

    def say(self, text: str, where: str) -> None:
        """Say something in a room, or to a person, in a window that may not be there yet."""
        if where.startswith("#"):
            super().say(text, where)
        else:
            self.command(f"/query {where} {text}")

    def look(self, what: str, where: str = "") -> str:
        """Return what an expression of WeeChat's gives in a window."""
        self._asked += 1
        start = f"look {self._asked}: "
        self.command(f"/eval /print -stdout {start}{what}\\n", where)
        return str(self.program.expect(rf"^{start}(.*)\n")[1])

    def people(self, room: str) -> list[str]:
        """Return what stands in the list of nicknames beside a room."""
        names: list[str] = []
        group = "buffer.nicklist_root.children"
        while self.look(f"${{{group}.name}}", room):
            nick = f"{group}.nicks"
            while name := self.look(f"${{{nick}.name}}", room):
                names.append(name)
                nick += ".next_nick"
            group += ".next_group"
        return sorted(names)

    def has_topic(self, topic: str, room: str) -> None:
        """Look at the title of a room's window."""
        assert self.look("${buffer.title}", room) == topic

    def quit(self, reason: str = "") -> None:
        """Leave the chat, and see WeeChat end."""
        self.command(f"/quit {reason}")
        self.program.wait()

    def end(self) -> None:
        """End WeeChat."""
        self.program.end()
        if self._typed >= 0:
            os.close(self._typed)
            self._typed = -1
