"""Tokens of bots: random weeks of making, ending, banning and restarting, held against a model.

After each step every token there ever was is tried in every room, and every stream must be open or
ended, as the model has it.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatservice.bots.callers import Caller
from chatservice.bots.listeners import Stream
from chatservice.errors import ChatError
from chatservice.events import Kind
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.store.memory import MemoryLog, MemoryRecords
from tests import examples
from tests.fakes import Chat, Guest, Member
from tests.test_bots import FORM

PEOPLE = {"toor": Role.ADMIN, "ann": Role.USER, "ben": Role.USER}
ROOMS = ("#dev", "#ops")
BOTS = ("robby", "marvin")
RIGHTS = {"": (True, True), "read": (True, False), "write": (False, True)}

rooms = st.sampled_from(ROOMS)
bots = st.sampled_from(BOTS)
makers = st.sampled_from([*PEOPLE, "ann", "ben"])
rights = st.sampled_from([*RIGHTS])


@dataclass
class Pass:
    """What the model knows of a token: `rooms` with which of the rooms of that name it is."""

    bot: str
    maker: str
    rooms: dict[str, int]
    read: bool
    write: bool
    good: bool = True


@dataclass
class Model:
    """The rules. Ann is the founder of both rooms, Ben an op now and then."""

    which: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROOMS, 0))
    ops: set[tuple[str, str]] = field(default_factory=set)
    banned: set[tuple[str, str]] = field(default_factory=set)  # room or "", name
    muted: set[tuple[str, str]] = field(default_factory=set)
    makers: dict[str, str] = field(default_factory=dict)  # of the bots there are
    tokens: dict[str, Pass] = field(default_factory=dict)  # by secret

    def is_op(self, name: str, room: str) -> bool:
        if (room, name) in self.banned:
            return False
        return name in ("toor", "ann") or (room, name) in self.ops

    def is_in(self, token: Pass, room: str) -> bool:
        return token.good and token.rooms.get(room) == self.which[room]

    def may(self, token: Pass, room: str, writing: bool) -> bool:
        if not self.is_in(token, room) or not (token.write if writing else token.read):
            return False
        names = (token.bot, token.maker)
        stops = self.banned | self.muted if writing else self.banned
        return not any((where, name) in stops for where in ("", room) for name in names)

    def ends(self, bot: str) -> None:
        for token in self.tokens.values():
            token.good = token.good and token.bot != bot

    def tidies_up(self) -> None:
        """A bot without a room is no more."""
        for token in self.tokens.values():
            token.rooms = {name: n for name, n in token.rooms.items() if n == self.which[name]}
            if token.good and not token.rooms:
                token.good = False
                del self.makers[token.bot]


class Week(RuleBasedStateMachine):
    """A chat and its model, in step."""

    def __init__(self) -> None:
        super().__init__()
        self.log, self.records, self.time = MemoryLog(), MemoryRecords(), 0.0
        self.model = Model()
        self.streams: list[tuple[Stream, Member, str, str]] = []
        self.lines = 0

    @initialize()
    def begins(self) -> None:
        self.open()
        for name, role in PEOPLE.items():
            self.chat.log_in(self.people[name], name, role)
        self.comes_in()
        self.makes_or_unmakes_op("#dev")
        self.makes("ann", "robby", {*ROOMS}, "")
        self.makes("ben", "marvin", {"#dev"}, "")
        self.listen_all()

    def open(self) -> None:
        self.chat = Chat(self.log, policy=Policy(UNLIMITED, backlog=0), records=self.records)
        self.chat.time += self.time
        self.people: dict[str, Guest] = {name: self.chat.connect() for name in PEOPLE}

    def comes_in(self) -> None:
        for name in ("ann", "ben", "toor"):
            self.people[name].claims(name)
            self.people[name].types("/join #dev", "/join #ops")

    def types(self, name: str, line: str) -> list[str]:
        """Type a line; return what was heard."""
        self.people[name].hears()
        self.people[name].types(line)
        return self.people[name].hears()

    def done(self, name: str, line: str) -> bool:
        return not any(heard.startswith("! ") for heard in self.types(name, line))

    # What people do with tokens.

    @rule(
        maker=makers, bot=bots, where=st.sets(rooms, min_size=1), right=st.sampled_from([*RIGHTS])
    )
    def makes(self, maker: str, bot: str, where: set[str], right: str) -> None:
        heard = self.types(maker, f"/token {bot} {' '.join(sorted(where))} {right}")
        told = [found[1] for line in heard if (found := FORM.fullmatch(line))]
        model = self.model
        allowed = all(model.is_op(maker, room) for room in where)
        assert bool(told) == (allowed and model.makers.get(bot, maker) == maker), heard
        if told:
            model.ends(bot)
            model.makers[bot] = maker
            passed = {room: model.which[room] for room in where}
            model.tokens[told[0]] = Pass(bot, maker, passed, *RIGHTS[right])

    @rule(who=makers, bot=bots)
    def revokes(self, who: str, bot: str) -> None:
        model = self.model
        done = self.done(who, f"/token revoke {bot}")
        tokens = [token for token in model.tokens.values() if token.bot == bot and token.good]
        if bot in model.makers and (who == "toor" or model.makers[bot] == who):
            assert done
            model.ends(bot)
            del model.makers[bot]
            return
        out = [
            (token, room)
            for token in tokens
            for room in token.rooms
            if model.is_in(token, room) and model.is_op(who, room)
        ]
        assert done == bool(out)
        for token, room in out:
            del token.rooms[room]
        model.tidies_up()

    # What is done to them.

    @rule(room=st.sampled_from(["#lobby", *ROOMS]), bot=bots, act=st.sampled_from(["ban", "mute"]))
    def stops_bot(self, room: str, bot: str, act: str) -> None:
        if bot in self.model.makers:
            self.stops(room, bot, act)

    @rule(room=rooms, name=st.sampled_from(["ann", "ben"]), act=st.sampled_from(["ban", "mute"]))
    def stops_maker(self, room: str, name: str, act: str) -> None:
        self.stops(room, name, act)

    def stops(self, room: str, name: str, act: str) -> None:
        assert self.done("toor", f"/{act} {room} {name}")
        stopped = self.model.banned if act == "ban" else self.model.muted
        stopped.add(("" if room == "#lobby" else room, name))

    @precondition(lambda self: self.model.banned | self.model.muted)
    @rule(data=st.data())
    def forgives(self, data: st.DataObject) -> None:
        model = self.model
        act = data.draw(st.sampled_from([x for x in ("banned", "muted") if getattr(model, x)]))
        stopped: set[tuple[str, str]] = getattr(model, act)
        room, name = data.draw(st.sampled_from(sorted(stopped)))
        command = {"banned": "unban", "muted": "unmute"}[act]
        assert self.done("toor", f"/{command} {room or '#lobby'} {name}")
        stopped.remove((room, name))

    @rule(room=rooms)
    def makes_or_unmakes_op(self, room: str) -> None:
        taken = (room, "ben") in self.model.ops
        assert self.done("toor", f"/{'deop' if taken else 'op'} {room} ben")
        self.model.ops ^= {(room, "ben")}

    @precondition(lambda self: sum(self.model.which.values()) < 2)  # or nothing lasts
    @rule(room=rooms)
    def is_made_anew(self, room: str) -> None:
        """Given up, left by all, and there again under the same name."""
        assert self.done("toor", f"/drop {room}")
        for name in PEOPLE:
            self.types(name, f"/leave {room}")
        model = self.model
        model.which[room] += 1
        for stopped in (model.banned, model.muted):
            stopped -= {one for one in stopped if one[0] == room}
        model.ops.discard((room, "ben"))
        model.tidies_up()
        self.time += 1
        self.chat.time += 1
        for name in ("ann", "ben", "toor"):
            assert self.done(name, f"/join {room}"), name

    @rule(bot=bots)
    def account_is_removed(self, bot: str) -> None:
        account = self.chat.hub.accounts.find(bot)
        assert (account is not None) == (bot in self.model.makers)
        if account is not None:
            self.chat.hub.accounts.remove(account)
            self.chat.turn()
            self.model.ends(bot)
            del self.model.makers[bot]

    @precondition(lambda self: self.time < 25)
    @rule()
    def restarts(self) -> None:
        self.streams.clear()
        self.time += 10
        self.open()
        for name in PEOPLE:
            self.chat.log_in_again(self.people[name], name)
        self.comes_in()

    # What programs do.

    @precondition(lambda self: self.model.tokens)
    @rule()
    def listen_all(self) -> None:
        for secret in [one for one, token in self.model.tokens.items() if token.good]:
            for room in ROOMS:
                self.listens(secret, room)

    def listens(self, secret: str, room: str) -> None:
        member = Member()
        expected = self.model.may(self.model.tokens[secret], room, writing=False)
        try:
            listen = self.chat.hub.listeners.listen
            stream = listen(Caller(secret, None, True), room, None, member)
        except ChatError as refusal:
            assert not expected or refusal.code == "too-many-connections"  # noqa: PT017
        else:
            assert expected
            self.streams.append((stream, member, secret, room))
        self.chat.turn()

    @precondition(lambda self: self.model.tokens)
    @rule(data=st.data(), room=rooms)
    def posts(self, data: st.DataObject, room: str) -> None:
        good = [one for one, token in self.model.tokens.items() if token.good]
        secret = data.draw(st.sampled_from(good or [*self.model.tokens]))
        self.lines += 1
        text, failed = f"line {self.lines}", list[object]()
        said = self.chat.hub.programs.say(Caller(secret, None, True), room, text)
        said.addErrback(failed.append)
        self.chat.turn()
        expected = self.model.may(self.model.tokens[secret], room, writing=True)
        assert bool(failed) != expected
        for _, member, _, where in self.streams:
            heard = [event.text for event in member.events if event.kind is Kind.SAID]
            assert (text in heard) == (expected and where == room)

    # What always holds.

    @invariant()
    def every_token_may_what_the_model_says(self) -> None:
        for secret, token in self.model.tokens.items():
            for room in ROOMS:
                for writing in (False, True):
                    expected = self.model.may(token, room, writing)
                    assert self.may(secret, room, writing) == expected, (token, room, writing)

    def may(self, secret: str, room: str, writing: bool) -> bool:
        try:
            _, person, place = self.chat.hub.callers.check(
                Caller(secret, None, True), room, writing=writing
            )
            if writing:
                self.chat.hub.rooms.admission.may_speak(person, place)
        except ChatError:
            return False
        return True

    @invariant()
    def a_stream_is_open_as_long_as_its_token_may_read(self) -> None:
        open_ = {*self.chat.hub.listeners.streams()} if self.streams else set()
        for one in [*self.streams]:
            stream, member, secret, room = one
            expected = self.model.may(self.model.tokens[secret], room, writing=False)
            assert (stream in open_) == expected == (member.disconnects == 0), (secret, room)
            if not expected:
                assert member.events[-1].kind is Kind.ERROR
                assert not member.wrongs
                self.streams.remove(one)

    @invariant()
    def everybody_sees_the_bots_there_are(self) -> None:
        if not hasattr(self, "chat"):
            return
        hub, model = self.chat.hub, self.model
        good = [token for token in model.tokens.values() if token.good]
        assert {one.bot for one in good} == {*model.makers}
        assert len(hub.parts.tokens_of_bots) == len(good)
        for bot in BOTS:
            assert (hub.accounts.find(bot) is not None) == (bot in model.makers)
        for name in ROOMS:
            room = hub.rooms.find(name)
            assert room is not None
            shown = {bot for bot, _ in hub.bots.of(room)}
            assert shown == {one.bot for one in good if model.is_in(one, name)}


TestWeek = Week.TestCase
TestWeek.settings = settings(
    max_examples=examples(200), stateful_step_count=40, deadline=None, database=None
)
