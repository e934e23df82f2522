"""Who may do what: random evenings, held against a model that knows the rules and nothing else.

People of all roles type commands in several rooms; whether each is refused, and why, who is where
and who is what afterwards, and who hears of it is what the model says.
"""

import math
from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.python.failure import Failure

from chatservice.errors import ChatError
from chatservice.events import Kind
from chatservice.hub import Hub
from chatservice.roles import Role
from chatservice.store.memory import MemoryLog, MemoryRecords
from tests import examples
from tests.fakes import Chat, Guest
from tests.permissions_model import ACCOUNTS, LOBBY, ROOMS, Model, Refused, Someone

NICKS = ["gus", "gil", "tro", "zed", "kim", "liz", "max"]
SLOTS = {  # who sits where: an account or nobody in particular, and the address
    "boss": None,
    "root2": "198.51.100.7",
    "ann": "198.51.100.7",
    "ben": "2001:db8::1",
    "guest1": "198.51.100.7",
    "guest2": "198.51.100.9",
    "guest3": "2001:db8::2",
    "guest4": None,
}
NETWORKS = ["198.51.100.7", "198.51.100.0/24", "198.51.100.200/24", "2001:db8::/32", "2001:db8::7"]
WHOM = [*ACCOUNTS, *NICKS, *NETWORKS, "g*", "*i*"]
TERMS = {"": math.inf, "5s": 5.0, "10m": 600.0}
DAY = 86_400.0

slots = st.sampled_from([*SLOTS])
powers = st.sampled_from([*SLOTS, "boss", "boss", "ann", "ann", "guest1"])
rooms = st.sampled_from(ROOMS)
nicks = st.sampled_from([*ACCOUNTS, *NICKS])
terms = st.sampled_from([*TERMS])


class Evening(RuleBasedStateMachine):
    """A chat and its model, in step."""

    def __init__(self) -> None:
        super().__init__()
        self.log, self.records = MemoryLog(), MemoryRecords()
        self.chat = Chat(self.log, records=self.records)
        self.guests: dict[str, Guest] = {}
        self.model = Model()
        self.model.now = self.chat.time
        self.said = self.guest_number = 0
        for name, role in ACCOUNTS.items():
            guest = self.chat.connect()
            self.chat.log_in(guest, name, role)
            guest.goes()

    @property
    def hub(self) -> Hub:
        return self.chat.hub

    # Both at once.

    def do(self, slot: str, line: str, how: str, *args: object) -> bool:
        """Let somebody type a line; the model does the same. Return whether it was done."""
        if slot not in self.guests and self.said % 4:  # most are there most of the time
            free = [nick for nick in NICKS if self.model.wearer(nick) is None]
            self.comes(slot, slot if slot in ACCOUNTS else free[0])
        model, guest = self.model, self.guests.get(slot)
        self.said += 1
        if guest is None:
            return False
        for one in self.guests.values():
            one.events.clear()
        before = {name: {*one.rooms} for name, one in model.people.items()}
        expected, heard = "", True
        try:
            heard = getattr(model, how)(model.people[slot], *args) is not False
        except Refused as refused:
            (expected,) = refused.args
        guest.types(line)
        errors = [e.nick for e in guest.events if e.kind is Kind.ERROR]
        if expected:
            assert errors == [expected], f"{slot} {line}: {errors}, not {expected}"
            assert len(guest.events) == 1, (line, guest.events)
            for other in self.guests.values():
                assert other is guest or not other.events, (line, other.events)
            return False
        assert slot not in model.people or errors == [], f"{slot} {line}: {errors}"
        self.heard_only_by(slot, line, heard, before)
        for name in [*self.guests]:
            if name not in model.people:
                assert self.guests[name].disconnects == 1, f"{name} is still here after {line}"
                self.guests.pop(name).goes()
        return True

    def heard_only_by(self, slot: str, line: str, heard: bool, before: dict[str, set[str]]) -> None:
        """Check that nobody heard of rooms that it is not in, or what nobody was to hear."""
        for name, guest in self.guests.items():
            one = self.model.people.get(name)
            for event in guest.events:
                if event.past or not event.room.startswith("#") or one is None:
                    continue
                places = {*one.rooms} | before[name]
                # who acts is shown what it did
                assert event.room in places or name == slot, f"{name} heard {event} of {line}"
                assert heard or name == slot or event.by != self.guests[slot].person.inbox, line

    # What people do.

    @initialize(order=st.permutations([*SLOTS]))
    def everybody_comes(self, order: list[str]) -> None:
        free = iter(NICKS)
        for slot in order:
            self.comes(slot, slot if slot in ACCOUNTS else next(free))
        for room, founder in (("#a", "ann"), ("#b", "guest1")):
            for slot in (founder, *order[:6]):
                self.do(slot, f"/join {room}", "join", room, "")
            for slot in order[4:]:
                one = self.model.people[slot]
                self.do(founder, f"/op {room} {one.nick}", "give", room, "op", one.nick)

    @rule(slot=slots, nick=st.sampled_from(NICKS))
    def comes_back(self, slot: str, nick: str) -> None:
        if slot not in self.guests:
            self.comes(slot, slot if slot in ACCOUNTS else nick)

    @rule(slot=slots, nick=st.sampled_from(NICKS))
    def comes_back_at_once(self, slot: str, nick: str) -> None:
        self.goes(slot)
        self.comes(slot, slot if slot in ACCOUNTS else nick)

    def comes(self, slot: str, nick: str) -> None:
        self.guest_number += 1
        account = ACCOUNTS.get(slot, Role.GUEST)
        identity = slot if slot in ACCOUNTS else f"guest {self.guest_number}"
        one = Someone(nick, identity, account, SLOTS[slot], self.chat.time)
        guest = self.chat.connect(SLOTS[slot])
        if slot in ACCOUNTS:
            self.chat.log_in_again(guest, slot)
        expected, codes = "", []
        try:
            self.model.come(slot, one)
        except Refused as refused:
            (expected,) = refused.args

        def failed(failure: Failure) -> None:
            assert isinstance(failure.value, ChatError)
            codes.append(str(failure.value.code))

        guest.claims(nick).addErrback(failed)
        assert codes == [expected] * bool(expected), f"{slot} {nick}: {codes}, not {expected}"
        if expected:
            guest.goes()
        else:
            self.guests[slot] = guest

    @rule(slot=slots)
    def goes(self, slot: str) -> None:
        if slot in self.guests:
            self.guests.pop(slot).goes()
            self.model.gone(slot)

    @rule(slot=slots, room=rooms, key=st.sampled_from(["", "", "k1", "k2"]))
    def joins(self, slot: str, room: str, key: str) -> None:
        self.do(slot, f"/join {room} {key}", "join", room, key)

    @rule(room=rooms, order=st.permutations([*SLOTS]))
    def some_join(self, room: str, order: list[str]) -> None:
        for slot in order[:4]:
            self.do(slot, f"/join {room}", "join", room, "")

    @rule(slot=slots, room=rooms)
    def leaves(self, slot: str, room: str) -> None:
        self.do(slot, f"/leave {room}", "leave", room)

    @rule(slot=slots, room=rooms, how=st.sampled_from(["/say {} {}", "{} {}"]))
    def says(self, slot: str, room: str, how: str) -> None:
        self.said += 1
        text = f"line {self.said}"
        if not self.do(slot, how.format(room, text), "say", room, text):
            return
        heard = self.model.lines[room][-1:] == [text]
        ears = {*self.model.inside(room), slot} if heard else {slot}
        for name, guest in self.guests.items():
            count = sum(e.kind is Kind.SAID and e.text == text for e in guest.events)
            assert count == (name in ears), f"{name} heard {text} {count} times"

    @rule(slot=slots, room=rooms)
    def sets_the_topic(self, slot: str, room: str) -> None:
        self.said += 1
        self.do(slot, f"/topic {room} topic {self.said}", "set_topic", room, f"topic {self.said}")

    @rule(
        slot=slots,
        room=rooms,
        name=st.sampled_from(
            ["invite-only", "moderated", "secret", "topic-locked", "secure", "outside"]
        ),
        on=st.booleans(),
    )
    def sets_a_mode(self, slot: str, room: str, name: str, on: bool) -> None:
        self.do(slot, f"/mode {room} {name} {'on' if on else 'off'}", "set_mode", room, name, on)

    @rule(slot=slots, room=rooms, key=st.sampled_from(["", "k1", "k2"]))
    def sets_the_key(self, slot: str, room: str, key: str) -> None:
        self.do(slot, f"/mode {room} key {key or 'off'}", "set_mode", room, "key", key)

    @rule(slot=slots, room=rooms, slow=st.sampled_from([0, 5, 60]))
    def sets_the_pace(self, slot: str, room: str, slow: int) -> None:
        said = f"{slow}s" if slow else "off"
        self.do(slot, f"/mode {room} slow {said}", "set_mode", room, "slow", slow)

    @rule(slot=slots, room=rooms, limit=st.sampled_from([0, 1, 3, 5]))
    def sets_the_limit(self, slot: str, room: str, limit: int) -> None:
        self.do(slot, f"/mode {room} limit {limit or 'off'}", "set_mode", room, "limit", limit)

    @rule(slot=slots, room=rooms, command=st.sampled_from(["deop", "deop", "devoice"]))
    def steps_down(self, slot: str, room: str, command: str) -> None:
        if slot in self.guests:
            nick = self.model.people[slot].nick
            self.do(slot, f"/{command} {room} {nick}", "give", room, command, nick)

    @rule(slot=powers, room=rooms, other=slots)
    def speaks_from_outside(self, slot: str, room: str, other: str) -> None:
        self.sets_a_mode(slot, room, "outside", True)
        self.says(other, room, "/say {} {}")

    @rule(slot=slots, room=rooms, nick=nicks, term=terms)
    def invites(self, slot: str, room: str, nick: str, term: str) -> None:
        seconds = TERMS[term] if term else DAY
        self.do(slot, f"/invite {room} {nick} {term}", "invite", room, nick, seconds)

    @rule(
        slot=slots,
        room=rooms,
        nick=nicks,
        command=st.sampled_from(["op", "op", "voice", "voice", "deop", "devoice"]),
    )
    def gives_or_takes_a_role(self, slot: str, room: str, nick: str, command: str) -> None:
        self.do(slot, f"/{command} {room} {nick}", "give", room, command, nick)

    @rule(slot=slots, room=rooms, nick=nicks)
    def hands_a_room_over(self, slot: str, room: str, nick: str) -> None:
        self.do(slot, f"/founder {room} {nick}", "hand_over", room, nick)

    @rule(slot=slots, room=rooms)
    def gives_a_room_up(self, slot: str, room: str) -> None:
        self.do(slot, f"/drop {room}", "drop", room)

    @rule(slot=slots, room=rooms, nick=nicks)
    def kicks(self, slot: str, room: str, nick: str) -> None:
        self.do(slot, f"/kick {room} {nick} enough", "kick", room, nick)

    @rule(
        slot=powers,
        room=rooms,
        measure=st.sampled_from(["ban", "mute", "shadow"]),
        whom=st.sampled_from(WHOM),
        term=terms,
    )
    def punishes(self, slot: str, room: str, measure: str, whom: str, term: str) -> None:
        line = f"/{measure} {room} {whom} {term} enough"
        self.do(slot, line, "punish", room, measure, whom, TERMS[term])

    @rule(
        slot=slots,
        room=rooms,
        command=st.sampled_from(["unban", "unmute"]),
        whom=st.sampled_from(WHOM),
    )
    def lifts(self, slot: str, room: str, command: str, whom: str) -> None:
        self.do(slot, f"/{command} {room} {whom}", "lift", room, command, whom)

    @precondition(lambda self: self.model.penalties)
    @rule(slot=slots, data=st.data())
    def lifts_one_that_stands(self, slot: str, data: st.DataObject) -> None:
        kind, scope, label = data.draw(st.sampled_from([*self.model.penalties]))
        self.lifts(slot, scope or LOBBY, f"un{kind}", label)

    @rule(slot=slots, nick=nicks)
    def takes_another_nickname(self, slot: str, nick: str) -> None:
        self.do(slot, f"/nick {nick}", "rename", nick)

    # What seldom comes about by chance.

    @rule(room=rooms, order=st.permutations([*SLOTS]), mode=st.sampled_from(["key", "invite-only"]))
    def is_invited(self, room: str, order: list[str], mode: str) -> None:
        host, guest = order[:2]
        if guest in self.guests:
            nick = self.model.people[guest].nick
            self.joins(host, room, "")
            if mode == "key":
                self.sets_the_key(host, room, "k1")
            else:
                self.sets_a_mode(host, room, mode, True)
            self.invites(host, room, nick, "10m")
            self.joins(guest, room, "")

    @rule(slot=powers, room=rooms, other=slots)
    def speaks_unheard(self, slot: str, room: str, other: str) -> None:
        if other in self.guests:
            self.punishes(slot, room, "shadow", self.model.people[other].nick, "10m")
            self.says(other, room, "/say {} {}")
            self.sets_the_topic(other, room)

    @rule(room=st.sampled_from(["#b", "#c"]), order=st.permutations([*SLOTS]))
    def a_closed_room_is_made_anew(self, room: str, order: list[str]) -> None:
        self.joins(order[0], room, "")
        self.sets_a_mode(order[0], room, "secret", True)
        self.says(order[0], room, "{} {}")
        for slot in order:
            if slot in self.guests and room in self.model.people[slot].rooms:
                self.joins(slot, LOBBY, "")
                self.leaves(slot, room)
        self.joins(order[1], room, "")
        self.says(order[1], room, "{} {}")
        self.looks_round(order[1], room)

    @rule(slot=slots, nick=st.sampled_from(NICKS), room=rooms)
    def takes_a_banned_nickname(self, slot: str, nick: str, room: str) -> None:
        self.punishes("boss", LOBBY, "ban", nick, "10m")
        self.takes_another_nickname(slot, nick)
        self.lifts("boss", LOBBY, "unban", nick)

    @rule(seconds=st.sampled_from([1.0, 5.0, 60.0, 600.0, DAY]))
    def time_passes(self, seconds: float) -> None:
        self.chat.time += seconds
        self.model.now = self.chat.time
        self.chat.clock.advance(seconds)

    @rule()
    def the_chat_is_restarted(self) -> None:
        time = self.chat.time
        for guest in self.guests.values():
            guest.goes()
        self.guests.clear()
        self.model.restart()
        self.chat = Chat(self.log, records=self.records)
        self.chat.time = time

    @rule(slot=slots, room=rooms)
    def looks_round(self, slot: str, room: str) -> None:
        """What is shown is what may be known, whatever is asked."""
        guest, one = self.guests.get(slot), self.model.people.get(slot)
        if guest is None or one is None:
            return
        shown = {line.split()[0] for line in self.asks(guest, "/rooms") if line.startswith("  #")}
        known = {name for name in self.model.rooms if self.known(one, name)}
        assert shown == {f"{name}:" for name in known}, (slot, shown, known)
        for command in ("who", "why", "topic", "mode"):
            self.may_know(guest, f"/{command} {room}", self.known(one, room))
        place, lines = self.model.rooms.get(room), self.model.lines[room]
        readable = lines[place.floor :] if place is not None and room in one.rooms else []
        for command in (f"/history {room} 200", f"/search line in:{room} -C 2"):
            self.may_know(guest, command, room in one.rooms)
            past = [e.text for e in guest.events if e.past and e.kind is Kind.SAID]
            assert {*past} <= {*readable}, f"{slot} read {past} by {command}, not {readable}"
            if command.startswith("/history"):
                assert past == readable[-200:]

    def asks(self, guest: Guest, line: str) -> Iterable[str]:
        guest.events.clear()
        guest.types(line)
        return [event.text for event in guest.events]

    def may_know(self, guest: Guest, line: str, allowed: bool) -> None:
        self.asks(guest, line)
        codes = [event.nick for event in guest.events if event.kind is Kind.ERROR]
        assert codes == ([] if allowed else ["no-such-room"]), f"{guest.nick} {line}: {codes}"

    def known(self, one: Someone, room: str) -> bool:
        try:
            self.model.visible(one, room)
        except Refused:
            return False
        return True

    # What always holds.

    @invariant()
    def everybody_is_where_and_what_the_model_says(self) -> None:
        model = self.model
        there = {room.name: {*room.nicks()} for room in self.hub.rooms.all()}
        assert there == {
            name: {model.people[slot].nick for slot in model.inside(name)} for name in model.rooms
        }
        assert {*self.guests} == {*model.people}
        for slot, guest in self.guests.items():
            one = model.people[slot]
            assert (guest.nick, {*guest.person.place.rooms}) == (one.nick, {*one.rooms})
            assert guest.wrongs == []
            for room in self.hub.rooms.all():
                role, own = self.hub.rooms.role(guest.person, room), model.role(one, room.name)
                assert role is own, f"{slot} is {role!r} in {room.name}, not {own!r}"
        for room in self.hub.rooms.all():
            place = model.rooms[room.name]
            assert (room.charter.topic, room.charter.registered) == (place.topic, place.registered)


EveningCase = Evening.TestCase
EveningCase.settings = settings(
    deadline=None, max_examples=examples(50), stateful_step_count=50, database=None
)
