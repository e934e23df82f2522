#!/usr/bin/env python3
"""A bot: rolls dice for whoever asks it to, and says what comes in on its standard input.

    python3 bot.py localhost 55555 dice                    then in the chat: "dice: roll 2d6"
    tail -F build.log | python3 bot.py chat.example 55555 builds '#dev'

It needs nothing but Python; what it reads and writes stands in docs/protocol.md, under JSON.
"""

import contextlib
import json
import queue
import random
import re
import socket
import sys
import threading
import time
from typing import Any

host, port, nick, room = (*sys.argv[1:], "#lobby")[:4]
inside, number = threading.Event(), 0
answers: queue.SimpleQueue[Any] = queue.SimpleQueue()


def ask(do: str, **fields: object) -> None:
    chat.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")


def say_input() -> None:
    global number
    for number, line in enumerate(filter(str.strip, sys.stdin), 1):
        code = "lost"
        while code in ("lost", "too-fast", "not-stored"):  # else it is done: it is on disk
            inside.wait()
            with contextlib.suppress(OSError):
                ask("say", id=number, room=room, text=line.rstrip())
            while (answer := answers.get())["id"] != number:
                pass
            code = answer.get("code")
            time.sleep(1 if code else 0)


def hear(event: Any) -> None:
    kind, about = event["type"], event.get("id")
    if kind == "error":
        print(event["text"], file=sys.stderr)
    if kind == "done" and about == "join":
        inside.set()
    elif kind in ("done", "error") and isinstance(about, int):
        answers.put(event)
    elif kind == "said" and not event.get("past") and event["nick"] != nick:
        if asked := re.fullmatch(
            rf"@?{re.escape(nick)}[:,] *roll ([1-9]?)d([1-9]\d?)", event["text"]
        ):
            dice = [random.randint(1, int(asked[2])) for _ in range(int(asked[1] or 1))]
            ask("say", room=event["room"], text=f"{event['nick']}: {dice} makes {sum(dice)}")


threading.Thread(target=say_input, daemon=True).start()
while True:
    with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as chat:
        ask("nick", nick=nick)
        ask("join", id="join", room=room)
        for line in chat.makefile("rb"):
            if line.startswith(b"{"):  # before we speak JSON the server says NICK
                hear(json.loads(line))
    if inside.is_set():
        inside.clear()
        answers.put({"id": number, "code": "lost"})
    time.sleep(2)
