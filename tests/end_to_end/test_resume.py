"""Coming back: nothing is missed, nothing comes twice, and nobody else can do it."""

import random
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatservice.delivery.past import NOW
from chatservice.events import Event
from chatservice.plain import parse
from tests.end_to_end.harness import CONSENT, Person, Server, stored

PRESENT = f"-- {NOW}"
TAKEN_OVER = "-- You came back on another connection: this one ends."
MEMORY = (
    "-- What is said here is kept until the server stops; /forget me removes what you said.",
    ("--data", ":memory:"),
)
DISK = (CONSENT, ())

Line = tuple[int, str, str]


class Place:
    """A chat, whether on disk or in memory, with bob, who is always there."""

    def __init__(self, cwd: Path, consent: str, *arguments: str) -> None:
        self.cwd = cwd
        self._arguments = ("--no-limits", *arguments)
        self._people: list[Person] = []
        self.consent = consent
        self.server = Server(cwd, *self._arguments)
        self.bob = self.join("bob")

    def join(self, nick: str) -> Person:
        """Let somebody in."""
        person = self.connect()
        person.say(nick)
        person.expect(f"{nick} joined the chat", "Connected to the server", self.consent)
        return person

    def connect(self, buffer: int = 0) -> Person:
        """Connect, perhaps with a small buffer, and wait for the question for a nickname."""
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.connect(("127.0.0.1", self.server.port))
        person = Person(sock)
        self._people.append(person)
        person.expect("NICK")
        return person

    def guest(self, nick: str = "alice") -> tuple[Person, str]:
        """Let somebody in whom bob sees come, and who asks for a token."""
        person = self.join(nick)
        self.bob.expect(f"{nick} joined the chat")
        return person, person.resume()

    def say(self, *texts: str, to: str = "") -> None:
        """Let bob say something, in public or to one alone, and hear it himself."""
        for text in texts:
            self.bob.say(f"/msg {to} {text}" if to else text)
            self.bob.expect(f"bob -> {to}: {text}" if to else f"bob: {text}")

    def back(self, answer: str, joins: str = "") -> Person:
        """Come back with an answer that is good."""
        person = self.connect()
        person.say(answer)
        if joins:
            person.expect(f"{joins} joined the chat")
            self.bob.expect(f"{joins} joined the chat")
        person.expect("Connected to the server", self.consent)
        return person

    def restart(self, crash: bool = False) -> None:
        """End the server and start another; bob comes, too."""
        if crash:
            self.server.kill()
        else:
            self.server.stop()
        self.server.end()
        self.server = Server(self.cwd, *self._arguments)
        self.bob = self.join("bob")

    def quiet(self, *people: Person) -> None:
        """Check that nothing has happened that would not have been seen yet."""
        self.bob.say("quiet")
        for person in (self.bob, *people):
            person.expect("bob: quiet")

    def close(self) -> None:
        """End everything."""
        for person in self._people:
            person.hang_up()
        self.server.end()


@pytest.fixture(params=[DISK, MEMORY], ids=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Run a chat."""
    consent, arguments = request.param
    place = Place(tmp_path, consent, *arguments)
    yield place
    place.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Place]:
    """Run a chat that keeps its history on disk."""
    place = Place(tmp_path, CONSENT)
    yield place
    place.close()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Place]:
    """Run a chat that waits for nobody."""
    place = Place(tmp_path, CONSENT, "--absence", "0.3")
    yield place
    place.close()


def past(person: Person) -> list[str]:
    """Read past lines up to where the present begins; without time, with number."""
    told = [parse(line) for line in person.until(PRESENT)]
    assert all(event.past for event in told)
    return [_shown(event) for event in told]


def _shown(event: Event) -> str:
    arrow = f" -> {event.to}" if event.to else ""
    return f"{event.seq} {event.nick}{arrow}: {event.text}"


def test_what_was_missed_comes_once_and_nobody_else_notices(place: Place) -> None:
    """Public and private lines, each with its number, then the present."""
    alice, answer = place.guest()
    token = " ".join(answer.split()[:2])
    assert re.fullmatch(r"alice ~[\w-]{22} #lobby:0 @:0", answer)
    place.say("one")
    alice.expect("bob: one")
    alice.reset()
    place.say("two", "three")
    place.say("psst", "pssst", to="alice")
    place.say("four")
    with place.back(token) as alice:
        assert past(alice) == [
            *("2 bob: two", "3 bob: three", "4 bob: four"),
            *("1 bob -> alice: psst", "2 bob -> alice: pssst"),
        ]
        place.quiet(alice)
        alice.say("/who")
        alice.expect("-- 2 here: alice bob")
        alice.say("hello")
        alice.expect("alice: hello")
        place.bob.expect("alice: hello")
        place.say("here", to="alice")
        alice.expect("bob -> alice: here")


def test_nothing_is_told_if_nothing_was_missed(place: Place) -> None:
    """Not even where the present begins; also for one who never said a word."""
    alice, answer = place.guest()
    for _ in range(3):
        alice.reset()
        alice = place.back(answer)
    place.quiet(alice)
    assert alice.resume() == f"{answer.split(' #')[0]} #lobby:1 @:0"
    alice.hang_up()


@pytest.mark.parametrize("unread", [False, True])
def test_positions_win(place: Place, unread: bool) -> None:
    """Higher or lower than what the server believes; even if the kernel held unread lines."""
    alice, answer = place.guest()
    token = " ".join(answer.split()[:2])
    place.say("one", "two", "three")
    place.say("psst", to="alice")
    if not unread:
        alice.expect("bob: one", "bob: two", "bob: three", "bob -> alice: psst")
    alice.reset()
    place.say("four")
    place.say("pssst", to="alice")
    everything = [f"{n} bob: {text}" for n, text in enumerate(["one", "two", "three", "four"], 1)]
    private = ["1 bob -> alice: psst", "2 bob -> alice: pssst"]
    for lobby, inbox in ((0, 0), (2, 1), (3, 2), (4, 1), (1, 2), (1, 999), (10**17, 0)):
        alice = place.back(f"{token} #lobby:{lobby} @:{inbox}")
        assert past(alice) == everything[lobby:] + private[inbox:]
        alice.reset()
    alice = place.back(f"{token} @:{1}")  # in the lobby everything was told
    assert past(alice) == private[1:]
    place.quiet(alice)
    alice.reset()


def test_lines_that_were_never_read_are_there_again_by_position(disk: Place) -> None:
    """Of many lines that were under way some were read: exactly the rest comes."""
    alice = disk.connect(1 << 16)
    alice.say("alice")
    alice.until(CONSENT)
    disk.bob.expect("alice joined the chat")
    token = " ".join(alice.resume().split()[:2])
    alice.say("/time on")
    alice.until("-- Before each line now stand its time (UTC) and number.")
    lines = [f"{n} {'x' * 1000}" for n in range(1, 9001)]
    for n in range(0, 9000, 100):
        disk.bob.say(*lines[n : n + 100])
        disk.bob.expect(*(f"bob: {line}" for line in lines[n : n + 100]))
    for read in (1000, 1100, 6500):  # the kernel held some, the room's batches, the database
        first = parse(alice.line() or "").seq
        for n in range(first + 1, read + 1):
            assert parse(alice.line() or "").seq == n
        alice.reset()
        alice = disk.back(f"{token} #lobby:{read}")
        if read == 6500:
            break
    assert past(alice) == [f"{n} bob: {line}" for n, line in enumerate(lines, 1)][6500:]
    alice.say("/time off")  # what was chosen came back with the place
    alice.expect("-- No more times.")
    disk.quiet(alice)
    alice.hang_up()


def test_after_the_grace_period_one_has_left_and_still_misses_nothing(hasty: Place) -> None:
    """The others see somebody leave and join."""
    alice, answer = hasty.guest()
    alice.reset()
    hasty.bob.expect("alice left the chat")
    hasty.say("one", "two")
    with hasty.back(" ".join(answer.split()[:2]), joins="alice") as alice:
        assert past(alice) == ["1 bob: one", "2 bob: two"]
        hasty.quiet(alice)


def test_the_grace_period_begins_anew_each_time(hasty: Place) -> None:
    """A timer of a former absence throws nobody out."""
    alice, answer = hasty.guest()
    for _ in range(5):
        alice.reset()
        alice = hasty.back(answer)
    other, _ = hasty.guest("other")
    other.reset()  # its own time is over later than that of all the others
    hasty.bob.expect("other left the chat")
    alice.expect("other joined the chat", "other left the chat")
    hasty.quiet(alice)
    alice.hang_up()


def test_a_living_connection_is_taken_over(place: Place) -> None:
    """The old one is told and closed; it keeps nothing from the new one."""
    old, answer = place.guest()
    place.say("one")
    with place.back(answer) as new:
        assert past(new) == ["1 bob: one"]  # by position
        old.expect("bob: one", TAKEN_OVER, None)
        place.quiet(new)
        newer = place.back(" ".join(answer.split()[:2]))
        new.expect(TAKEN_OVER, None)
        place.quiet(newer)
        newer.say("/who")
        newer.expect("-- 2 here: alice bob")
        newer.hang_up()


def test_a_token_is_good_for_its_owner_alone(place: Place) -> None:
    """Wrong tokens, others' tokens, others' nicknames: refused, and asked again."""
    alice, alices = place.guest()
    carol, carols = place.guest("carol")
    alice.expect("carol joined the chat")
    alice_token, carol_token = (answer.split()[1] for answer in (alices, carols))
    alice.reset()
    tries = [
        f"alice ~{'A' * 22}",
        f"bob {alice_token}",
        f"alice {carol_token}",
        f"carol {alice_token} #lobby:0 @:0",
        f"dave {alice_token}",
        f"nobody {alice_token.swapcase()}",
    ]
    with place.connect() as mallory:
        for answer in tries:
            mallory.say(answer)
            assert (mallory.line() or "").endswith("[bad-token]")
            mallory.expect("NICK")
        mallory.say("alice")
        assert (mallory.line() or "").endswith("[nick-taken]")  # it is only absent
        mallory.expect("NICK")
        mallory.say("mallory")
        mallory.expect("mallory joined the chat", "Connected to the server", place.consent)
        for person in (carol, place.bob):
            person.expect("mallory joined the chat")
        place.quiet(mallory, carol)
    with place.back(f"ALICE {alice_token}") as alice:  # in any case
        past(alice)
        alice.say("me")
        alice.until("alice: me")
    carol.hang_up()


def test_a_nickname_that_somebody_else_took_is_taken(hasty: Place) -> None:
    """After the grace period it is free for all; the token is good when it is free again."""
    alice, answer = hasty.guest()
    alice.reset()
    hasty.bob.expect("alice left the chat")
    with hasty.join("alice") as usurper, hasty.connect() as alice:
        hasty.bob.expect("alice joined the chat")
        alice.say(answer)
        assert (alice.line() or "").endswith("[nick-taken]")
        alice.expect("NICK")
        usurper.say("/quit")
        usurper.expect(None)
        hasty.bob.expect("alice left the chat")
        alice.say(answer)
        alice.expect("alice joined the chat", "Connected to the server")


def test_a_token_goes_with_its_owner_to_a_new_nickname(place: Place) -> None:
    """The old nickname is not its own any more, neither within the grace period nor later."""
    alice, answer = place.guest()
    token = answer.split()[1]
    alice.say("/nick anna")
    for person in (alice, place.bob):
        person.expect("alice is now known as anna")
    alice.reset()
    place.say("one")
    place.say("psst", to="anna")
    with place.back(f"anna {token}") as anna:
        assert past(anna) == ["1 bob: one", "1 bob -> anna: psst"]
        anna.say("/quit")
        anna.expect(None)
        place.bob.expect("anna left the chat")
    with place.connect() as alice:
        alice.say(f"alice {token}")
        assert (alice.line() or "").endswith("[bad-token]")
        alice.expect("NICK")
    place.back(f"anna {token}", joins="anna").hang_up()


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("crash", [False, True])
def test_a_restart_is_survived(disk: Place, crash: bool, positions: bool) -> None:
    """Lost before, or present at the end of the server; with positions nothing depends on it."""
    absent, absents = disk.guest("absent")
    alice, answer = disk.guest()
    absent.expect("alice joined the chat")
    disk.say("one")
    alice.expect("bob: one")
    absent.expect("bob: one")
    absent.reset()
    disk.say("two")
    disk.say("psst", to="absent")
    alice.expect("bob: two")
    disk.restart(crash)
    alice.hang_up()
    disk.say("three")
    who = f"{answer.split(' #')[0]} #lobby:2" if positions else answer.split(" #")[0]
    with disk.back(who, joins="alice") as alice:
        assert past(alice) == ["3 bob: three"]
        who = f"{absents.split(' #')[0]} #lobby:1 @:0" if positions else absents.split(" #")[0]
        with disk.back(who, joins="absent") as absent:
            alice.expect("absent joined the chat")
            assert past(absent) == ["2 bob: two", "3 bob: three", "1 bob -> absent: psst"]
            disk.say("here", to="absent")
            absent.expect("bob -> absent: here")


def test_who_does_not_read_when_the_server_stops_misses_nothing(disk: Place) -> None:
    """SIGTERM while lines are on their way to the disk: what was not delivered comes later."""
    alice = disk.connect(1 << 16)
    alice.say("alice")
    alice.until(CONSENT)
    disk.bob.expect("alice joined the chat")
    token = " ".join(alice.resume().split()[:2])
    text = "x" * 1000
    for _ in range(60):
        disk.bob.say(*[text] * 100)
        disk.bob.expect(*[f"bob: {text}"] * 100)
    disk.bob.say(*[text] * 100)
    disk.bob.expect(*[f"bob: {text}"])
    disk.server.process.terminate()
    assert disk.server.wait() in (0, -signal.SIGTERM)
    got = 0
    while (line := alice.line()) is not None:
        got += line.startswith("bob: ")
    alice.hang_up()
    disk.restart()
    total = len(stored(disk.cwd / "chat-data"))
    assert got < total - 1000
    disk.say("new")
    with disk.back(token, joins="alice") as alice:
        told = past(alice)
        first = int(told[0].split()[0])
        handed = first - 1 - got  # to the connection, which is all that the server can know
        assert 0 <= handed <= 600
        assert [int(line.split()[0]) for line in told] == [*range(first, total + 2)]


def test_who_left_in_good_order_may_come_back_too(place: Place) -> None:
    """/quit or the end of input: what was said since is told."""
    alice, answer = place.guest()
    token = " ".join(answer.split()[:2])
    for n, leave in enumerate((b"/quit\r\n", b"/quit", b""), 1):
        alice.send(b"bye\r\n" + leave)
        alice.sock.shutdown(socket.SHUT_WR)
        alice.until("alice: bye")
        alice.expect(None)
        place.bob.expect("alice: bye")
        if leave:
            place.bob.expect("alice left the chat")
        place.say(f"after {n}")
        alice = place.back(token, joins="alice" if leave else "")
        assert past(alice) == [f"{2 * n} bob: after {n}"]
    place.quiet(alice)
    alice.hang_up()


def test_twice_in_a_row(place: Place) -> None:
    """Each absence is told once, by what the server knows and by positions."""
    alice, answer = place.guest()
    token = " ".join(answer.split()[:2])
    for n in range(1, 11):
        alice.reset()
        place.say(f"{n}")
        place.say(f"psst {n}", to="alice")
        alice = place.back(token if n % 2 else f"{token} #lobby:{n - 1} @:{n - 1}")
        assert past(alice) == [f"{n} bob: {n}", f"{n} bob -> alice: psst {n}"]
    place.quiet(alice)
    assert alice.resume() == f"{token} #lobby:11 @:10"
    alice.hang_up()


@pytest.mark.parametrize("positions", [False, True])
def test_two_tabs_with_one_token(place: Place, positions: bool) -> None:
    """One stays and the other is told and closed; what was missed is in one of them, or in both.

    With positions it is in the one that stays.
    """
    alice, answer = place.guest()
    token = " ".join(answer.split()[:2])
    for n in range(1, 41, 2):
        alice.reset()
        place.say(f"{n}")
        tabs = [place.connect(), place.connect()]
        for tab in tabs:
            tab.say(f"{token} #lobby:{n - 1} @:0" if positions else token)
        told = [tab.until("Connected to the server") for tab in tabs]
        place.say(f"{n + 1}")
        for tab, lines in zip(tabs, told, strict=True):
            while (line := tab.line()) is not None:
                lines.append(line)
                if line == f"bob: {n + 1}":
                    break
        closed = [TAKEN_OVER in lines for lines in told]
        assert sorted(closed) == [False, True], told
        stays = closed.index(False)
        alice, missed = tabs[stays], f" {n}] bob: {n}"
        tabs[not stays].hang_up()
        assert any(line.endswith(missed) for line in told[0] + told[1]), told
        if positions:
            assert sum(line.endswith(missed) for line in told[stays]) == 1, told
    place.quiet(alice)
    alice.say("/who")
    alice.expect("-- 2 here: alice bob")
    alice.hang_up()


def test_quit_and_back_at_once_under_load(disk: Place) -> None:
    """The next connection may be faster than the log: still nothing is left out."""
    alice, answer = disk.guest()
    token = " ".join(answer.split()[:2])
    alice.say("/time on")
    alice.until("-- Before each line now stand its time (UTC) and number.")
    last = 0
    for _ in range(30):
        tab = disk.connect()
        disk.bob.say(*(f"{'x' * 900}" for _ in range(20)))
        alice.say("/quit")
        tab.say(f"{token} #lobby:0")
        while (line := alice.line()) is not None:
            last = parse(line).seq or last
        told = [parse(line).seq for line in tab.until(PRESENT)]
        numbers = [seq for seq in told if seq]
        assert numbers == [*range(1, len(numbers) + 1)]
        assert len(numbers) >= last
        alice = tab
        alice.say("/time on")
        alice.until("-- Before each line now stand its time (UTC) and number.")
    alice.hang_up()


def test_a_pipe_comes_back(disk: Place) -> None:
    """All in one packet and the end of input right behind it: what it says is said.

    The end of input is no /quit for who has a token: it may come back unnoticed.
    """
    alice, answer = disk.guest()
    alice.reset()
    disk.say("one")
    pipe = disk.connect()
    pipe.send(f"{' '.join(answer.split()[:2])}\nhello\nbye".encode())
    pipe.sock.shutdown(socket.SHUT_WR)
    pipe.expect("Connected to the server", CONSENT)
    assert past(pipe) == ["1 bob: one"]
    pipe.expect("alice: hello", "alice: bye", None)
    pipe.hang_up()
    disk.bob.expect("alice: hello", "alice: bye")
    with disk.back(" ".join(answer.split()[:2])) as alice:
        alice.say("/quit")
        disk.bob.expect("alice left the chat")


def test_hostile_answers_change_nothing(place: Place) -> None:
    """A thousand of them; then everybody is who he was, and all the lines are there."""
    dice = random.Random(4711)  # noqa: S311
    alice, answer = place.guest()
    token = answer.split()[1]
    place.say("one")
    alice.expect("bob: one")
    alice.reset()
    place.say("two")
    words = [
        *("alice", "bob", "ALICE", "@", "~", "#lobby:0", "@:0", "#lobby:-1", "@:-5", "#nowhere:1"),
        *(f"@{'0' * 16}:0", "#lobby:99999999999999999999", "@:1e9", "#lobby:\u0663", "#:1", ":"),
        *(token[:-1], token + "x", token[1:], token.upper(), f"~{'A' * 22}", f"~{'-' * 22}", "\0"),
        *("' OR 1=1 --", "%s{0}", "\u202e", "x" * 900, "\x1b[2J", "\xff", "[]", "*", "~~"),
    ]
    for n in range(1000):
        nick = ["?", "alice", "bob", "Alice"][n % 4]
        offered = " ".join(dice.choices(words, k=dice.randrange(1, 5)))
        with place.connect() as mallory:
            mallory.send(f"{nick} {offered}".encode()[:1000] + b"\n")
            line = mallory.line() or ""
            codes = r"\[(bad-token|nick-\w+|bad-password|too-many-tries)\]$"  # or a password, wrong
            assert re.search(codes, line), (offered, line)
    junk = "#lobby:-1 @:-5 #nowhere:7 @other:3 #lobby: @:x @@:1 #lobby:1:2 ~ #lobby:\u0663x"
    for positions, missed in (
        (junk, ["2 bob: two"]),
        (f"#lobby:0 {junk} #lobby:1", ["2 bob: two"]),  # of two the last
        (f"#LOBBY:0 #lobby:{10**19} {junk}", []),
    ):
        alice = place.back(f"alice {token} {positions}")
        if missed:
            assert past(alice) == missed
        place.bob.say("/who")
        place.bob.expect("-- 2 here: alice bob")
        alice.say("/resume")
        assert re.fullmatch(rf"-- .*: alice {token} #lobby:2 @:0", alice.line() or "")
        alice.reset()
        if positions == junk:
            alice = place.back(f"alice {token} #lobby:1")
            assert past(alice) == ["2 bob: two"]
            alice.reset()
    assert "Traceback" not in place.server.text
