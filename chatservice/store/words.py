"""The index of words: what of each event stands in it, keeping up, and letting go."""

import sqlite3
from typing import Final

from chatservice.search import who, words

STEP: Final = 500
"""Rows that are changed in one transaction while others wait."""

_PAGES: Final = 100  # of the index, merged in one step
_WANTED, _UNDER_WAY = 1, 2  # meta's "purge"

Connection = sqlite3.Connection


def place(room: int) -> str:
    """Return the word under which a room stands in the index."""
    return f"r{room}"


def index(db: Connection, most: int) -> bool:
    """Take the words of the next events into the index; return whether there are more.

    :param most: events at once.
    """
    (indexed,) = db.execute("SELECT value FROM meta WHERE name = 'indexed'").fetchone()
    found = db.execute(
        "SELECT id, text, nick, room FROM events WHERE id > ? ORDER BY id LIMIT ?", (indexed, most)
    ).fetchall()
    if not found:
        return False
    db.executemany(
        "INSERT INTO words (rowid, text, who, place) VALUES (?, ?, ?, ?)",
        (entry(*row) for row in found),
    )
    db.execute("UPDATE meta SET value = ? WHERE name = 'indexed'", (found[-1][0],))
    return len(found) == most


def purge(db: Connection, pages: int = _PAGES) -> bool:
    """Make the words of forgotten lines disappear from the index, a few pages at a time.

    FTS5 only marks what is removed until its segments are merged; see "merge" in
    https://www.sqlite.org/fts5.html.

    :param pages: of the index, rewritten in one step, roughly.
    :returns: whether that is done.
    """
    found = db.execute("SELECT value FROM meta WHERE name = 'purge'").fetchone()
    if found is None:
        return True
    if found[0] == _WANTED:  # the first call of a merge of all there is
        db.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (-pages,))
        db.execute("UPDATE meta SET value = ? WHERE name = 'purge'", (_UNDER_WAY,))
        return False
    before = db.total_changes
    db.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    if db.total_changes - before < 2:
        db.execute("DELETE FROM meta WHERE name = 'purge'")
        return True
    return False


def entry(row: int, text: str, nick: str, room: int) -> tuple[int, str, str, str]:
    """Return what stands in the index of an event."""
    return row, " ".join(words(text)), who(nick), place(room)


def want_purge(db: Connection) -> None:
    """Let the words of lines that were just forgotten be purged."""
    db.execute("INSERT OR REPLACE INTO meta VALUES ('purge', ?)", (_WANTED,))
