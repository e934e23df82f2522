"""Tickets in the database (resume.Ticket), statement by statement."""

import json
import sqlite3
from dataclasses import astuple, replace

from chatservice.resume import Ticket
from chatservice.store import rows

Connection = sqlite3.Connection


def save(db: Connection, ticket: Ticket) -> None:
    """Keep a ticket in place of the one with its key."""
    read = None if ticket.read is None else json.dumps(dict(ticket.read))
    db.execute(
        "INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*astuple(ticket)[:5], json.dumps(ticket.rooms), read),
    )


def find(db: Connection, key: str) -> Ticket | None:
    """Return a ticket; None if there is none."""
    row = db.execute("SELECT * FROM tickets WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    key, nick, inbox, since, at, names, read = row
    positions = None if read is None else json.loads(read)
    return Ticket(key, nick, inbox, since, at, tuple(json.loads(names)), positions)


def forget(db: Connection, inbox: str) -> None:
    """Forget the tickets of an inbox."""
    db.execute("DELETE FROM tickets WHERE inbox = ?", (inbox,))


def drop(db: Connection, before: float, most: int) -> None:
    """Forget the tickets of those who left before a time, and the oldest of too many."""
    db.execute("DELETE FROM tickets WHERE read IS NOT NULL AND at < ?", (before,))
    (count,) = db.execute("SELECT count(*) FROM tickets").fetchone()
    if count > most:
        db.execute(
            "DELETE FROM tickets WHERE key IN (SELECT key FROM tickets ORDER BY at LIMIT ?)",
            (count - most,),
        )


def close_all(db: Connection, now: float) -> None:
    """Take note, after a start, that nobody is connected: all had read all, as far as we know."""
    for (key,) in db.execute("SELECT key FROM tickets WHERE read IS NULL").fetchall():
        ticket = find(db, key)
        if ticket is not None:
            ids = {name: rows.room_id(db, name) for name in (*ticket.rooms, ticket.inbox)}
            read = {
                name: 0 if found is None else rows.head(db, found) for name, found in ids.items()
            }
            save(db, replace(ticket, at=now, read=read))
