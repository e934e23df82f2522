"""docs/protocol.md is true: what it says of JSON is what the codec reads and writes."""

import re
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.line import ChatFactory
from chatservice.errors import Code
from chatservice.events import ABOUT, AROUND, FOUND, LOGIN
from chatservice.hub import Hub
from chatservice.objects import FIELDS, REMARKS, VERSION
from chatservice.people.away import AWAY
from chatservice.store.memory import MemoryLog
from tests.doors.test_line import LinePerson

TEXT = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text("utf-8")
JSON = TEXT.partition("\n## JSON\n")[2].partition("\n## ")[0]
BEGUN = 1763820185.25
"""When the session in the document begins; each request comes a second later."""


def stable(line: tuple[str, str]) -> tuple[str, str]:
    """Return what of a line will not change; sender and text."""
    if not re.match(r'\{"type":"(error|notice)"', line[1]):
        return line
    return line[0], re.sub(r'"text":"(?:[^"\\]|\\.)*"', '"text":"..."', line[1])


class Json(SynchronousTestCase):
    """The section on JSON."""

    def test_every_type_has_a_row_with_its_fields(self) -> None:
        """In the order in which they are written."""
        rows = re.findall(r"^\| `(\w+)` \|((?: `\w+`)*) \|", JSON, re.MULTILINE)
        found = {label: re.findall(r"\w+", fields) for label, fields in rows}
        self.assertEqual(
            found, {kind.label: list(FIELDS[kind]) for kind in FIELDS if kind not in REMARKS}
        )

    def test_what_notices_are_about_stands_in_their_row(self) -> None:
        """Programs tell them apart by that alone."""
        (row,) = re.findall(r"^\| `notice` .*$", JSON, re.MULTILINE)
        missing = [one for one in (ABOUT, AROUND, AWAY, FOUND, LOGIN) if f"`{one}`" not in row]
        self.assertEqual(missing, [])

    def test_the_session_goes_as_it_is_written_down(self) -> None:
        """To the letter, but for the words for people, which programs should not read."""
        lines = re.findall(r"^    ([CS]): (.*)$", JSON, re.MULTILINE)
        clock = Clock()
        hub = Hub(MemoryLog(), clock, now=lambda: BEGUN + clock.seconds())
        bot = LinePerson(ChatFactory(hub))
        happened = [("S", line) for line in bot.lines()]
        for line in [line for side, line in lines if side == "C"]:
            clock.advance(1)
            happened.append(("C", line))
            bot.send(f"{line}\n".encode())
            clock.advance(0)
            happened += [("S", line) for line in bot.lines()]
        self.assertEqual([*map(stable, lines)], [*map(stable, happened)])
        self.assertGreater(len(lines), 20)

    def test_the_version_is_the_one_that_is_spoken(self) -> None:
        """The heading of all that may change."""
        self.assertIn(f'`"v":{VERSION}`', JSON)
        self.assertIn(f"`{Code.BAD_REQUEST}`", TEXT.partition("\n## Error codes\n")[2])

    def test_every_code_has_a_row(self) -> None:
        rows = TEXT.partition("\n## Error codes\n")[2]
        self.assertEqual([code for code in Code if f"`{code}`" not in rows], [])
