"""Bans and mutes: whom they mean, how networks are read, what is kept, how they are found."""

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code
from chatservice.names import keys
from chatservice.roles import Role
from chatservice.rooms.sanction import (
    EVERYWHERE,
    LAST,
    WIDEST,
    Measure,
    Sanction,
    Subject,
    Target,
    address_of,
    parse_mask,
    parse_network,
)
from chatservice.rooms.sanctions import SANCTION, Sanctions
from chatservice.store.memory import MemoryRecords
from tests.fakes import NOW, quick

NICKS = ["troll", "TROLL", "tro11", "bob", "Жора"]
HOSTS = [
    None,
    "127.0.0.1",
    "198.51.100.7",
    "198.51.100.200",
    "::ffff:198.51.100.7",
    "2001:db8::7",
    "2001:db8::1:2:3:4",
    "2001:db8:0:1::7",
    "fe80::1%eth0",
    "localhost",
]
NETWORKS = ["", "198.51.100.7/32", "198.51.100.0/24", "198.0.0.0/8", "2001:db8::/64", "2001::/16"]
IDENTITIES = ["@1", "@2", "@3"]
ROOMS = [EVERYWHERE, "#dev"]

targets = st.builds(
    Target,
    label=st.sampled_from([*NICKS, *NETWORKS[1:]]),
    nicks=st.sampled_from(NICKS).map(lambda nick: tuple(sorted(keys(nick)))) | st.just(()),
    identity=st.sampled_from(["", *IDENTITIES]),
    network=st.sampled_from(NETWORKS),
    guests=st.booleans(),
    mask=st.sampled_from(["", "", "tro*", "*O?", "Ж*"]),
)
times = st.sampled_from([NOW - 60, NOW, NOW + 60]) | st.floats(0, LAST)


@st.composite
def sanctions(draw: st.DrawFn) -> Sanction:
    return Sanction(
        measure=draw(st.sampled_from(Measure)),
        room=draw(st.sampled_from(ROOMS)),
        by="alice",
        rank=draw(st.sampled_from(Role)),
        at=draw(times),
        until=draw(st.none() | times),
        reason=draw(st.text(max_size=20)),
        **draw(targets)._asdict(),
    )


subjects = st.builds(
    Subject,
    nick=st.sampled_from(NICKS),
    identity=st.sampled_from(IDENTITIES),
    host=st.sampled_from(HOSTS),
    came=times,
    role=st.sampled_from(Role),
)

SPAM = Sanction(
    measure=Measure.BAN,
    room=EVERYWHERE,
    label="troll",
    nicks=tuple(sorted(keys("troll"))),
    identity="@1",
    network="198.51.100.0/24",
    guests=True,
    by="alice",
    rank=Role.OP,
    at=NOW,
    until=None,
    reason="spam",
)
GUEST = Subject("carol", "@9", "203.0.113.9", NOW + 1, Role.GUEST)


class Meaning(SynchronousTestCase):
    """Whom one sanction means."""

    def means(self, sanction: Sanction = SPAM, **changes: object) -> bool:
        return sanction.means(GUEST._replace(**changes))  # type: ignore[arg-type]

    def test_who_bears_none_of_its_marks_is_not_meant(self) -> None:
        self.assertFalse(self.means())
        self.assertFalse(self.means(host=None))
        self.assertFalse(self.means(host="not an address"))

    def test_who_bears_one_is(self) -> None:
        for nick in ("troll", "TROLL", "tro11"):
            self.assertTrue(self.means(nick=nick), nick)
        self.assertTrue(self.means(identity="@1"))
        for host in ("198.51.100.1", "::ffff:198.51.100.1"):
            self.assertTrue(self.means(host=host), host)

    def test_who_stands_as_high_is_not(self) -> None:
        for role in Role:
            self.assertIs(self.means(identity="@1", role=role), role < Role.OP)
            self.assertFalse(self.means(replace(SPAM, rank=Role.GUEST), identity="@1", role=role))

    def test_its_network_means_guests_who_came_later(self) -> None:
        host = "198.51.100.1"
        self.assertFalse(self.means(host=host, came=NOW - 1))
        self.assertFalse(self.means(host=host, role=Role.USER))
        everybody = replace(SPAM, guests=False)
        self.assertTrue(self.means(everybody, host=host, came=NOW - 1))
        self.assertTrue(self.means(everybody, host=host, role=Role.VOICE))

    def test_a_mask_means_nicknames_and_what_looks_like_them(self) -> None:
        spam = replace(SPAM, nicks=(), identity="", network="", mask="SPAM*bot?")
        for nick in ("spambot1", "SpamRobot7", "ѕраmbot1", "spam-bot_"):
            self.assertTrue(self.means(spam, nick=nick), nick)
        for nick in ("spambot", "aspambot1", "spam", "bob"):
            self.assertFalse(self.means(spam, nick=nick), nick)
        self.assertFalse(self.means(spam, nick="spambot1", role=Role.OP))

    def test_a_letter_that_looks_like_a_wildcard_is_none(self) -> None:
        glottal = replace(SPAM, nicks=(), identity="", network="", mask="ʔ*")
        self.assertTrue(self.means(glottal, nick="ʔa"))
        self.assertFalse(self.means(glottal, nick="bob"))

    def test_nobody_is_meant_by_an_identity_that_is_not_named(self) -> None:
        nothing = replace(SPAM, identity="", nicks=(), network="")
        self.assertFalse(self.means(nothing))

    @quick
    @given(sanctions(), subjects)
    def test_a_network_means_whoever_is_in_it(self, sanction: Sanction, subject: Subject) -> None:
        """As Python's own arithmetic has it."""
        only = replace(sanction, identity="", nicks=(), mask="", guests=False, rank=Role.ADMIN)
        host = None if subject.host is None else address_of(subject.host)
        inside = host is not None and only.network != "" and host in _network(only.network)
        self.assertIs(only.means(subject), inside and subject.role < Role.ADMIN)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


class Networks(SynchronousTestCase):
    """How addresses and networks are read."""

    def test_addresses_and_networks(self) -> None:
        for text, network in (
            ("198.51.100.7", "198.51.100.7/32"),
            ("198.51.100.7/24", "198.51.100.0/24"),
            ("198.51.100.7/255.255.255.0", "198.51.100.0/24"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:db8::7", "2001:db8::/64"),
            ("2001:DB8:0:0::7/128", "2001:db8::7/128"),
            ("2001:db8::/16", "2001::/16"),
            ("::ffff:198.51.100.7", "198.51.100.7/32"),
            ("::ffff:198.51.100.7/120", "198.51.100.0/24"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::1", "::/64"),
        ):
            self.assertEqual(parse_network(text), network, text)

    def test_what_is_none(self) -> None:
        for text in (
            *("", "troll", "1", "10", "/", "/24", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/"),
            *("1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8/8", "a.b", ":", "::1::", "1.2.3.4 /8"),
            *("::/129", "01.2.3.4", "١.٢.٣.٤", "1.2.3.4/٨", "fe80::1%eth0/64x", "\ufffd:"),
        ):
            self.assertIsNone(parse_network(text), text)

    def test_what_is_too_wide(self) -> None:
        for text in ("0.0.0.0/0", "10.0.0.0/7", "::/0", "::/15", "2001::/15", "::ffff:0.0.0.0/96"):
            refusal = self.assertRaises(ChatError, parse_network, text)
            self.assertIs(refusal.code, Code.BAD_ARGUMENTS, text)

    @quick
    @given(st.ip_addresses(), st.data())
    def test_a_network_holds_the_address_of_which_it_was_made(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
    ) -> None:
        length = data.draw(st.integers(WIDEST[address.version], address.max_prefixlen))
        for text in (str(address), f"{address}/{length}"):
            try:
                network = parse_network(text)
            except ChatError:  # an IPv4 network mapped into IPv6
                self.assertIsNotNone(getattr(address, "ipv4_mapped", None))
                continue
            assert network is not None
            self.assertEqual(parse_network(network), network)
            if getattr(address, "ipv4_mapped", None) is not None and ":" in network:
                continue  # it is wider than those mapped into it, which count as IPv4
            meant = replace(SPAM, nicks=(), identity="", network=network, guests=False)
            self.assertTrue(meant.means(GUEST._replace(host=str(address))))

    @quick
    @given(st.text(alphabet="0123456789abcdef.:/%٣ x", max_size=30) | st.text(max_size=30))
    def test_anything_is_a_network_or_none_or_refused(self, text: str) -> None:
        try:
            network = parse_network(text)
        except ChatError as refusal:
            self.assertIs(refusal.code, Code.BAD_ARGUMENTS)
        else:
            self.assertTrue(network is None or ipaddress.ip_network(network))


class Masks(SynchronousTestCase):
    """How masks for nicknames are read."""

    def test_what_is_one(self) -> None:
        for text, mask in (
            *(("bar*", "bar*"), ("_*", "_*"), ("e\u0301*", "\u00e9*"), ("[x]?", "[x]?")),
            *(("bar", None), ("", None), ("192.0.2.0/24", None)),
        ):
            self.assertEqual(parse_mask(text), mask, text)

    def test_what_can_match_nobody_or_everybody_is_refused(self) -> None:
        for text in ("*", "**?*", "?", "a b*", "a!*", "*@host", "#dev*", "a.b*", "a" * 64 + "*"):
            refusal = self.assertRaises(ChatError, parse_mask, text)
            self.assertIs(refusal.code, Code.BAD_ARGUMENTS, text)

    @quick
    @given(st.text("ab*?Ω", max_size=6), st.text("abΩ", min_size=1, max_size=6))
    def test_who_is_meant_is_found(self, mask: str, nick: str) -> None:
        found = Sanctions(MemoryRecords(), lambda: NOW)
        one = replace(SPAM, label=mask, nicks=(), identity="", network="", mask=mask)
        self.successResultOf(found.add(one))
        subject = GUEST._replace(nick=nick)
        meant = one if one.means(subject) else None
        self.assertEqual(found.find(subject, EVERYWHERE, Measure.BAN), meant)
        self.assertIsNone(found.find(subject, "#dev", Measure.BAN))
        self.successResultOf(found.lift(one, Role.ADMIN))
        self.assertEqual((len(found), found._by_mask), (0, {}))


class Kept(SynchronousTestCase):
    """As records."""

    @quick
    @given(sanctions())
    def test_what_is_kept_comes_back(self, sanction: Sanction) -> None:
        self.assertEqual(Sanction.from_value(sanction.to_value()), sanction)
        records = MemoryRecords()
        all_of_them = Sanctions(records, lambda: NOW)
        self.successResultOf(all_of_them.add(sanction))
        again = Sanctions(records, lambda: NOW)
        self.assertEqual([*again._all.values()], [sanction])

    @quick
    @given(sanctions())
    def test_whatever_is_kept_can_be_told(self, sanction: Sanction) -> None:
        self.assertIn("alice", sanction.told(NOW, "the chat"))

    def test_hostile_records_are_left_out(self) -> None:
        good = {**SPAM.to_value()}
        hostile: list[Mapping[str, object]] = [
            {},
            *[
                {k: v for k, v in good.items() if k != missing}
                for missing in good.keys() - {"mask", "written"}
            ],
            *[
                {**good, name: value}
                for name, value in (
                    ("measure", "hang"),
                    ("measure", []),
                    ("rank", "god"),
                    ("rank", None),
                    ("nicks", 7),
                    ("nicks", "troll"),
                    ("network", "junk"),
                    ("network", "198.51.100.7/24"),
                    ("network", ["198.51.100.0/24"]),
                    ("at", "soon"),
                    ("at", [1]),
                    ("at", "nan"),
                    ("until", "inf"),
                    ("until", "-inf"),
                    ("until", 1e300),
                    ("until", "9" * 5000),
                    ("label", "another than its key says"),
                    ("room", "#another"),
                )
            ],
        ]
        for value in hostile:
            records = MemoryRecords()
            records.change(SANCTION, SPAM.key, lambda _, value=value: value)  # type: ignore[misc]
            kept = Sanctions(records, lambda: NOW)
            self.assertEqual(len(kept), 0, value)
            self.assertEqual((kept._by_mark, kept._prefixes), ({}, {}), value)
            self.successResultOf(kept.add(SPAM))
            records.change(SANCTION, SPAM.key, lambda _, value=value: value)  # type: ignore[misc]
            self.assertEqual(len(kept), 0, value)
            self.assertEqual((kept._by_mark, kept._prefixes), ({}, {}), value)
        self.assertEqual(self.flushLoggedErrors(), [])


class Standing(SynchronousTestCase):
    """All there are."""

    def setUp(self) -> None:
        self.now = NOW
        self.sanctions = Sanctions(MemoryRecords(), lambda: self.now)

    @quick
    @given(st.lists(sanctions(), max_size=12), st.lists(subjects, min_size=1, max_size=5))
    def test_the_index_finds_what_a_look_at_each_would(
        self, added: list[Sanction], asked: list[Subject]
    ) -> None:
        found = Sanctions(MemoryRecords(), lambda: NOW)
        model: dict[str, Sanction] = {}
        for sanction in added:
            old = model.get(sanction.key)
            high = old is not None and old.rank > sanction.rank and not old.over(NOW)
            if high:
                self.failureResultOf(found.add(sanction), ChatError)
            else:
                self.successResultOf(found.add(sanction))
                model[sanction.key] = sanction
        for lift in added[::3]:
            if lift.key in model and model[lift.key] == lift:
                self.successResultOf(found.lift(lift, Role.ADMIN))
                del model[lift.key]
        for room in ROOMS:
            standing = [one for one in model.values() if one.room == room and not one.over(NOW)]
            self.assertCountEqual(found.of(room), standing)
            for subject in asked:
                for measure in Measure:
                    fitting = [
                        one for one in standing if one.measure is measure and one.means(subject)
                    ]
                    longest = found.find(subject, room, measure)
                    if longest is None:
                        self.assertEqual(fitting, [])
                        continue
                    self.assertIn(longest, fitting)
                    ends = [math.inf if one.until is None else one.until for one in fitting]
                    own = math.inf if longest.until is None else longest.until
                    self.assertEqual(own, max(ends))
        for sanction in [*model.values()]:
            self.successResultOf(found.lift(sanction, Role.ADMIN))
        self.assertEqual((len(found), found._by_mark, found._prefixes), (0, {}, {}))

    def test_who_stands_lower_does_not_change_what_was_decided(self) -> None:
        self.successResultOf(self.sanctions.add(replace(SPAM, rank=Role.FOUNDER)))
        for refused in (self.sanctions.add(SPAM), self.sanctions.lift(SPAM, Role.OP)):
            failure = self.failureResultOf(refused, ChatError)
            self.assertIs(failure.value.code, Code.OUTRANKED)
        self.successResultOf(self.sanctions.lift(SPAM, Role.FOUNDER))

    def test_but_what_is_over_is_over(self) -> None:
        self.successResultOf(self.sanctions.add(replace(SPAM, rank=Role.ADMIN, until=NOW + 60)))
        self.now += 61
        self.successResultOf(self.sanctions.add(replace(SPAM, at=self.now)))
        self.assertEqual([one.rank for one in self.sanctions.of(EVERYWHERE)], [Role.OP])

    def test_what_is_over_is_forgotten_when_there_are_too_many(self) -> None:
        self.successResultOf(self.sanctions.add(replace(SPAM, until=NOW + 60)))
        self.now += 61
        self.assertEqual(len(self.sanctions), 1)
        self.sanctions.sweep()
        self.assertEqual(len(self.sanctions), 0)
