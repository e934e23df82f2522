"""The history out and in again: all of it or nothing, the same as it was."""

import io
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin import importing
from chatservice.admin.exporting import export
from chatservice.admin.importing import Imported
from chatservice.admin.opening import Refused, alone, turn
from chatservice.admin.progress import Progress
from chatservice.admin.upkeep import check
from chatservice.events import Event, Kind
from chatservice.store import rows
from chatservice.store.database import FILE
from chatservice.store.schema import StoreError, connect
from chatservice.text import clean
from tests import examples
from tests.admin.fakes import (
    as_fields,
    as_file,
    execute,
    exported,
    fill,
    found,
    kept,
    line,
    numbered,
    private,
    take,
)
from tests.fakes import NOW
from tests.store_fakes import Store, new_directory

texts = st.text(max_size=20).map(clean)
nicks = st.from_regex(r"\A\w[^\s:,*>]{0,10}\Z").filter(lambda nick: clean(nick) == nick)
people = st.sampled_from(["", "@a1", "@b2"])
times = st.floats(0, 2e9) | st.integers(0, 2**31).map(float)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events of several rooms and inboxes, each number once."""
    places = st.tuples(st.sampled_from(["#a", "#B", "#ü", "@b2"]), st.integers(1, 50))
    events = []
    for room, seq in draw(st.lists(places, unique=True, max_size=30)):
        kind = Kind.PRIVATE if room[0] == "@" else draw(st.sampled_from([Kind.SAID, Kind.ACTED]))
        to = draw(nicks) if kind is Kind.PRIVATE else ""
        fields = (draw(nicks), draw(texts), to, draw(people))
        events.append(Event(seq, draw(times), room, kind, *fields))
    return events


class Case(SynchronousTestCase):
    """A directory for a chat, not there yet."""

    def setUp(self) -> None:
        self.directory = new_directory(self)

    def refused(self, events: list[Event] | bytes, why: str, directory: Path | None = None) -> str:
        """Import in vain."""
        target = directory or self.directory
        message = str(self.assertRaises(Refused, take, target, events))
        self.assertRegex(message, why)
        return message


class Exporting(Case):
    """What export writes."""

    def test_room_by_room_the_oldest_first(self) -> None:
        fill(self.directory, line("1"), line("2", "#a"), line("3"), line("4", "#a", at=-5.0))
        written = [(one["room"], one["seq"], one["text"]) for one in exported(self.directory)]
        self.assertEqual(
            written, [("#a", 1, "2"), ("#a", 2, "4"), ("#lobby", 1, "1"), ("#lobby", 2, "3")]
        )

    def test_what_is_private_only_if_asked_for(self) -> None:
        fill(self.directory, line("open"), private("secret"))
        self.assertEqual([e["text"] for e in exported(self.directory, private=False)], ["open"])
        self.assertEqual([e["text"] for e in exported(self.directory)], ["open", "secret"])
        self.assertEqual([e["to"] for e in exported(self.directory, "@b2")], ["bob"])
        with self.assertRaisesRegex(Refused, "is an inbox: give --private"):
            export(self.directory, None, "@b2")

    def test_one_room_in_any_case(self) -> None:
        fill(self.directory, line("1"), line("2", "#a"), line("3", "#A"))
        self.assertEqual([e["text"] for e in exported(self.directory, "#a")], ["2"])
        self.assertEqual([e["text"] for e in exported(self.directory, "#LOBBY")], ["1"])

    def test_no_such_room(self) -> None:
        fill(self.directory, line("1"), line("2", "#a"))
        with self.assertRaisesRegex(Refused, 'no room "#x"; there are: #a #lobby'):
            exported(self.directory, "#x")

    def test_a_file_has_its_name_only_when_it_is_complete(self) -> None:
        fill(self.directory, line("1"))
        out = self.directory.parent / "out.jsonl"
        out.write_text("the one of yesterday")
        with (
            patch("chatservice.admin.exporting.encode", side_effect=OSError("disk")),
            self.assertRaises(OSError),
        ):
            export(self.directory, out)
        self.assertEqual(out.read_text(), "the one of yesterday")
        self.assertEqual(sorted(os.listdir(out.parent)), ["data", "out.jsonl"])
        export(self.directory, out)
        self.assertIn('"text":"1"', out.read_text())
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)

    def test_it_is_a_snapshot(self) -> None:
        fill(self.directory, *[line(str(n)) for n in range(1200)])
        seen: list[int] = []

        def meanwhile(room: str, row: tuple[int, ...]) -> str:
            if not seen:
                fill(self.directory, line("later"), line("later", "#zzz"))
            seen.append(row[0])
            return ""

        with patch("chatservice.admin.exporting.encode", meanwhile):
            export(self.directory, self.directory.parent / "out")
        self.assertEqual(seen, list(range(1, 1201)))


class Importing(Case):
    """Good files."""

    def test_into_a_new_directory(self) -> None:
        events = [*numbered([line("tick"), line("tock", at=5.0)], 7), private("tick", 3)]
        self.assertEqual(take(self.directory, events), Imported(3, 0, 0))
        self.assertEqual(kept(self.directory), events[:2])
        self.assertEqual(kept(self.directory, "@b2"), events[2:])
        self.assertEqual(found(self.directory, "tick"), [7])
        self.assertEqual(self.directory.stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.directory / FILE).stat().st_mode & 0o777, 0o600)
        store = Store(self, self.directory)
        self.assertEqual([e.seq for e in store.append(line("next"))], [9])

    def test_nothing_at_all(self) -> None:
        self.assertEqual(take(self.directory, b""), Imported(0, 0, 0))
        self.assertEqual(take(self.directory, b"\n \r\n"), Imported(0, 0, 0))

    def test_from_windows(self) -> None:
        data = b"\xef\xbb\xbf" + as_file([line("x", seq=1)]).replace(b"\n", b"\r\n\r\n")
        take(self.directory, data)
        self.assertEqual(kept(self.directory), [line("x", seq=1)])

    def test_what_is_there_already_is_left(self) -> None:
        fill(self.directory, line("1"), line("2"))
        events = numbered([line("1"), line("2"), line("3")])
        self.assertEqual(take(self.directory, events), Imported(1, 2, 0))
        self.assertEqual(take(self.directory, events), Imported(0, 3, 0))
        self.assertEqual(kept(self.directory), events)
        self.assertEqual(found(self.directory, "3"), [3])

    def test_below_the_floor(self) -> None:
        fill(self.directory, *[line(str(n)) for n in range(1, 6)])
        before = kept(self.directory)
        with closing(connect(self.directory / FILE, writing=True)) as db, turn(db):
            rows.forget(db, "@a1", 0, 4)
        self.assertEqual([e.seq for e in kept(self.directory)], [4, 5])
        self.assertEqual(take(self.directory, before), Imported(3, 2, 0))
        self.assertEqual(kept(self.directory), before)
        self.assertEqual(found(self.directory, "2"), [2])
        self.assertEqual([e.seq for e in fill(self.directory, line("next"))], [6])

    def test_what_is_unclean_is_replaced_and_counted(self) -> None:
        data = as_file([line("a\x1bb", seq=1), line("c", seq=2)])
        self.assertEqual(take(self.directory, data), Imported(2, 0, 1))
        self.assertEqual(kept(self.directory)[0].text, "a\ufffdb")
        self.assertEqual(take(self.directory, data), Imported(0, 2, 1))

    def test_a_search_since_a_time_finds_what_it_should(self) -> None:
        """Which goes by ids: those are in the order of time, though the file is not."""
        day = 86400.0
        events = [
            line("tick", room, seq, (seq - 100) * day)
            for room in ("#a", "#b")
            for seq in range(1, 100)
        ]
        random.Random(4).shuffle(events)  # noqa: S311
        take(self.directory, events)
        for room in ("#a", "#b"):
            self.assertEqual(found(self.directory, "tick since:5d", room), [99, 98, 97, 96, 95])
        ids = execute(self.directory, "SELECT at FROM events ORDER BY id")
        self.assertEqual(ids, sorted(ids))

    def test_lines_that_are_older_than_what_is_there(self) -> None:
        """Their ids are not in the order of time; search and forgetting know that."""
        day = 86400.0
        live = numbered([line("tick", at=(n - 100) * day) for n in range(1, 100)], 51)
        take(self.directory, live)
        old = numbered([line("tick", at=(n - 3000) * day) for n in range(1, 51)])
        other = [line("tick", "#old", n, (n - 3000) * day) for n in range(1, 600)]
        with patch.object(importing, "CHUNK", 20):
            take(self.directory, [*old, *other])
        self.assertEqual(found(self.directory, "tick since:5d"), [149, 148, 147, 146, 145])
        self.assertEqual(found(self.directory, "tick since:5d", "#old"), [])
        self.assertEqual(found(self.directory, "tick"), list(range(149, 0, -1)))
        self.assertEqual(found(self.directory, "tick before:60"), list(range(59, 0, -1)))
        fill(self.directory, line("tick", at=1.0))
        self.assertEqual(check(self.directory), [])
        self.assertEqual(found(self.directory, "tick since:5d"), [150, 149, 148, 147, 146, 145])
        self.assertEqual(found(self.directory, "tick before:150")[:2], [149, 148])
        store = Store(self, self.directory)
        self.assertGreaterEqual(store.wait(store.log.forget("@a1", NOW - 5 * day)), 6)
        self.assertEqual([e for e in store.kept() if e.at >= NOW - 5 * day], [])

    def test_within_a_room_the_numbers_decide(self) -> None:
        events = numbered([line("1", at=5.0), line("2", at=-5.0), line("3", at=9.0)])
        take(self.directory, events[::-1])
        self.assertEqual(
            execute(self.directory, "SELECT seq FROM events ORDER BY id"), [(1,), (2,), (3,)]
        )

    @settings(max_examples=examples(60), deadline=None)
    @given(histories(), st.integers(1, 4))
    def test_what_goes_in_comes_out(self, events: list[Event], chunk: int) -> None:
        directory = new_directory(self)
        with patch.object(importing, "CHUNK", chunk):
            self.assertEqual(take(directory, events).taken, len(events))
        written = [
            {"to": "", "by": "", **{k: v for k, v in one.items() if k != "time"}}
            for one in exported(directory)
        ]
        wanted = sorted(events, key=lambda event: (event.room, event.seq))
        self.assertEqual(written, [as_fields(event) for event in wanted])
        out = (directory.parent / "out.jsonl").read_bytes()
        again = new_directory(self)
        take(again, out)
        exported(again)
        self.assertEqual((again.parent / "out.jsonl").read_bytes(), out)
        self.assertEqual(take(directory, out), Imported(0, len(events), 0))


class Marked(Case):
    """Lines that were said with an Idempotency-Key."""

    def test_the_mark_is_not_exported_and_the_line_is_the_same_without(self) -> None:
        (said,) = fill(self.directory, line("done")._replace(to="~mark"))
        (shown,) = exported(self.directory)
        self.assertNotIn("to", shown)
        taken = take(self.directory, [said._replace(to="")])
        self.assertEqual((taken.taken, taken.known), (0, 1))


class Refusing(Case):
    """Files that are not good, and what happens meanwhile: then nothing changes."""

    def test_the_line_is_named_and_nothing_is_made(self) -> None:
        data = as_file(numbered([line("1"), line("2")])) + b"\n{]\n"
        message = self.refused(data, "^line 4: it is not JSON: .*; nothing was imported$")
        self.assertTrue(message.isprintable())
        self.assertFalse(self.directory.exists())

    def test_a_file_that_was_cut_off(self) -> None:
        fill(self.directory, line("0"))
        data = as_file(numbered([line("0"), line("1"), line("2")]))
        self.refused(data[:-10], "^line 3: it is not JSON")
        self.assertEqual([e.text for e in kept(self.directory)], ["0"])

    def test_a_line_without_end(self) -> None:
        self.refused(b"x" * 1_000_000, "^line 1: it is longer than 65,536 bytes")

    def test_a_number_twice(self) -> None:
        twice = [line("x", seq=1), line("y", seq=2), line("x", seq=1)]
        self.refused(twice, '^line 3: "#lobby" 1 stands in line 1 already; nothing')

    def test_another_line_has_the_number(self) -> None:
        fill(self.directory, line("1"), line("2"))
        new = numbered([line("1"), line("other"), line("3")])
        message = self.refused(new, '^line 2: "#lobby" 2 is another line already; nothing')
        self.assertIn('"text":"2"', message)
        self.assertIn('"text":"other"', message)
        self.assertEqual([e.text for e in kept(self.directory)], ["1", "2"])

    def test_every_difference_counts(self) -> None:
        event = fill(self.directory, private("x"))[0]
        self.assertEqual(take(self.directory, [event]).known, 1)
        for other in (
            event._replace(at=NOW + 1),
            event._replace(nick="eve"),
            event._replace(text="y"),
            event._replace(to="eve"),
            event._replace(by=""),
        ):
            self.refused([other], "is another line already")

    def test_somebody_is_given_a_number_between_looking_and_taking(self) -> None:
        fill(self.directory, line("1"))
        compare = importing._compare

        def talk(staged: sqlite3.Connection, path: Path) -> tuple[int, dict[str, int]]:
            compared = compare(staged, path)
            fill(self.directory, line("quick"))
            return compared

        with patch.object(importing, "_compare", talk):
            self.refused(numbered([line("1"), line("2")]), 'line 2: "#lobby" 2 is another line')
        self.assertEqual([e.text for e in kept(self.directory)], ["1", "quick"])

    def test_two_at_once(self) -> None:
        fill(self.directory)
        with alone(self.directory):
            self.refused([line("x", seq=1)], "another import into .* wait until it has ended")
        take(self.directory, [line("x", seq=1)])

    def test_it_is_not_in_the_way_of_a_chat_and_the_other_way_round(self) -> None:
        Store(self, self.directory)
        take(self.directory, [line("x", seq=1)])
        other = new_directory(self)
        fill(other)
        with alone(other):
            Store(self, other)

    def test_databases_that_will_not_do(self) -> None:
        fill(self.directory)
        execute(self.directory, "PRAGMA user_version=99")
        with self.assertRaisesRegex(StoreError, "newer version of this program: use that one"):
            take(self.directory, [line("x", seq=1)])
        execute(self.directory, "PRAGMA user_version=0")
        with self.assertRaisesRegex(Refused, "the chat upgrades it at its next start"):
            take(self.directory, [line("x", seq=1)])
        execute(self.directory, "PRAGMA application_id=5")
        with self.assertRaisesRegex(StoreError, "a database of another program"):
            take(self.directory, [line("x", seq=1)])
        (self.directory / FILE).write_bytes(os.urandom(9999))
        with self.assertRaisesRegex(StoreError, "file is not a database"):
            take(self.directory, [line("x", seq=1)])


class WhileTheChatRuns(Case):
    """A store that is open, as in the server."""

    def setUp(self) -> None:
        super().setUp()
        self.store = Store(self, self.directory)

    def test_numbers_go_on_above_what_was_imported(self) -> None:
        self.store.append(line("live"))
        events = numbered([line("a"), line("b"), line("c")], 2)
        take(self.directory, events)
        (said,) = self.store.append(line("next"))
        self.assertEqual(said.seq, 5)
        self.assertEqual(len(self.store.kept()), 5)
        self.assertEqual(self.store.found("b"), [3])

    def test_talking_while_it_goes_on(self) -> None:
        """The numbers were set aside, so that nobody gets one that is still to come."""
        self.store.append(line("live"))
        events = numbered([line(f"old {n}") for n in range(100)], 2)
        talked: list[Event] = []

        def talk(progress: Progress, lines: int, share: float | None = None) -> None:
            talked.extend(self.store.append(line("meanwhile"), line("meanwhile", "#new")))

        more = [line("x", "#new", n) for n in range(1, 30)]
        with patch.object(importing, "CHUNK", 10), patch.object(Progress, "at", talk):
            take(self.directory, [*events, *more])
        lobby = [e.seq for e in talked if e.room == "#lobby"]
        self.assertGreater(len(lobby), 10)
        self.assertEqual(lobby, list(range(102, 102 + len(lobby))))
        self.assertEqual([e for e in self.store.kept() if e.text.startswith("old")], events)
        numbers = [e.seq for e in kept(self.directory, "#new")]
        self.assertEqual(numbers, list(range(1, 30 + len(lobby))))

    def test_interrupted_and_run_again(self) -> None:
        events = numbered([line(f"word{n}") for n in range(100)])
        add = importing._add
        count = 0

        def interrupted(db: sqlite3.Connection, chunk: list[object]) -> None:
            nonlocal count
            count += 1
            add(db, chunk)
            if count == 3:
                raise KeyboardInterrupt

        with patch.object(importing, "CHUNK", 10), patch.object(importing, "_add", interrupted):
            stopped = self.assertRaises(KeyboardInterrupt, take, self.directory, events)
        self.assertIn("20 of 100 new lines were imported, run it again with the same", str(stopped))
        self.assertEqual(len(kept(self.directory)), 20)
        (said,) = self.store.append(line("meanwhile"))
        self.assertEqual(said.seq, 101)
        self.assertEqual(take(self.directory, events), Imported(80, 20, 0))
        self.assertEqual(self.store.kept(), [*events, said])
        self.assertEqual(found(self.directory, "word77"), [78])

    def test_what_goes_wrong_midway_is_told(self) -> None:
        events = numbered([line(f"word{n}") for n in range(100)])
        with (
            patch.object(importing, "_add", side_effect=sqlite3.OperationalError("disk is full")),
            self.assertRaisesRegex(Refused, "cannot go on: disk is full; 0 of 100 new lines"),
        ):
            take(self.directory, events)

    def test_a_stream(self) -> None:
        """Nothing is asked of the source but the next line."""

        class Pipe(io.BytesIO):
            def seekable(self) -> bool:
                return False

        data = as_file(numbered([line("x"), line("y")]))
        importing.import_(self.directory, Pipe(data))
        self.assertEqual(len(kept(self.directory)), 2)
