"""Databases to look after: filled as a chat fills them."""

import io
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from chatservice.admin.exporting import export
from chatservice.admin.importing import Imported, import_
from chatservice.events import Event, Kind
from chatservice.search import parse_query
from chatservice.store import rows, words
from chatservice.store.database import FILE
from chatservice.store.schema import connect, prepare
from tests.fakes import NOW


def line(
    text: str, room: str = "#lobby", seq: int = 0, at: float = 0.0, nick: str = "alice"
) -> Event:
    """What somebody says.

    :param at: seconds since NOW.
    """
    return Event(seq, NOW + at, room, Kind.SAID, nick, text, by="@a1")


def private(text: str, seq: int = 0) -> Event:
    """What alice says to bob alone, in bob's inbox."""
    return Event(seq, NOW, "@b2", Kind.PRIVATE, "alice", text, to="bob", by="@a1")


def fill(directory: Path, *events: Event) -> list[Event]:
    """Make a database if there is none, and keep events; return them with their numbers."""
    directory.mkdir(exist_ok=True)
    prepare(directory / FILE)
    kept = []
    with closing(connect(directory / FILE, writing=True)) as db:
        db.execute("BEGIN IMMEDIATE")
        for event in events:
            room = rows.room_id(db, event.room) or rows.add_room(db, event.room)
            kept.append(event.numbered(rows.head(db, room) + 1))
            seq, at, kind = kept[-1].seq, event.at, event.kind.label
            fields = (event.nick, event.text, event.to, event.by)
            rows.insert(db, [(rows.next_id(db), room, seq, at, kind, *fields)])
        while words.index(db, words.STEP):
            pass
        db.execute("COMMIT")
    return kept


def kept(directory: Path, room: str = "#lobby") -> list[Event]:
    """Return what is stored of a room."""
    with closing(connect(directory / FILE, writing=False)) as db:
        return rows.after(db, room, 0, -1)


def found(directory: Path, typed: str, room: str = "#lobby") -> list[int]:
    """Search as people do; return the numbers."""
    with closing(connect(directory / FILE, writing=False)) as db:
        return [h.event.seq for h in rows.search(db, parse_query(typed, NOW), room, 1000)]


def execute(directory: Path, sql: str, *values: object) -> list[Any]:
    """Do something to the database that no program of ours would."""
    with closing(sqlite3.connect(directory / FILE, isolation_level=None)) as db:
        return db.execute(sql, values).fetchall()


def as_fields(event: Event) -> dict[str, Any]:
    """Return an event as the fields of a line of JSON."""
    fields = {"room": event.room, "seq": event.seq, "at": event.at, "kind": event.kind.label}
    fields |= {"nick": event.nick, "text": event.text, "to": event.to, "by": event.by}
    return fields


def as_file(events: Iterable[Event]) -> bytes:
    """Return events as a file to import."""
    return b"".join(json.dumps(as_fields(event)).encode() + b"\n" for event in events)


def take(directory: Path, events: Iterable[Event] | bytes) -> Imported:
    """Import."""
    data = events if isinstance(events, bytes) else as_file(events)
    return import_(directory, io.BytesIO(data))


def exported(directory: Path, room: str = "", private: bool = True) -> list[dict[str, Any]]:
    """Export, and read it."""
    out = directory.parent / "out.jsonl"
    count = export(directory, out, room, private)
    lines = out.read_text("utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == count
    return [json.loads(one) for one in lines]


def numbered(events: Sequence[Event], first: int = 1) -> list[Event]:
    """Return events of one room with numbers."""
    return [event._replace(seq=seq) for seq, event in enumerate(events, first)]
