"""What is counted while the chat runs: each thing once, whatever became of it."""

from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ITransport
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.line import ChatFactory, ChatProtocol
from chatservice.errors import Code
from chatservice.events import Kind
from chatservice.limits import UNLIMITED, Limits
from chatservice.meters import ACCEPTED, BUCKETS, FOREIGN, Histogram
from chatservice.people.person import Policy
from tests.fakes import NOT_STORED, WORD, Chat, FailingLog, Member, Scene, register, said
from tests.store_fakes import Store

A, B = "#a", "#b"


class Deliveries(SynchronousTestCase):
    """Events times members, as they are given."""

    def setUp(self) -> None:
        self.scene = Scene()

    def given(self, *members: Member) -> int:
        return sum(len(member.lines(room)) for member in members for room in (A, B))

    def test_each_event_counts_for_each_member_that_is_given_it(self) -> None:
        here, both = self.scene.member(A), self.scene.member(A, B)
        self.scene.commit("1", "2")
        self.scene.publish("3", room=B)
        self.assertEqual(self.scene.meters.deliveries, 5)
        self.assertEqual(self.given(here, both), 5)

    def test_who_is_behind_counts_when_it_catches_up(self) -> None:
        slow, live = self.scene.member(A), self.scene.member(A)
        self.scene.stall(slow)
        self.scene.fill(100)
        self.assertEqual(self.scene.meters.deliveries, 100)
        self.assertEqual(self.scene.delivery.backlog(), (1, 1, 0))
        self.scene.read(slow)
        self.assertEqual(self.scene.meters.deliveries, 200)
        self.assertEqual(self.given(slow, live), 200)
        self.assertEqual(self.scene.delivery.backlog(), (0, 0, 0))

    def test_who_cannot_be_given_anything_does_not_count(self) -> None:
        broken, healthy = self.scene.member(A), self.scene.member(A)
        broken.broken = True
        self.scene.publish("1")
        self.assertEqual(self.scene.meters.deliveries, self.given(healthy))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_answers_are_no_deliveries(self) -> None:
        self.scene.tell(self.scene.member(A), "answer")
        self.assertEqual(self.scene.meters.deliveries, 0)

    def test_answers_that_are_held_are_counted_while_they_are(self) -> None:
        slow = self.scene.member(A)
        slow.stalled = True
        self.scene.publish("1")
        self.scene.commit("2")
        self.scene.tell(slow, "answer")
        self.assertEqual(self.scene.delivery.backlog(), (1, 1, 1))
        self.scene.read(slow)
        self.assertEqual(self.scene.delivery.backlog(), (0, 0, 0))

    def test_who_goes_while_it_is_behind_is_not_behind_any_more(self) -> None:
        slow = self.scene.member(A)
        self.scene.stall(slow)
        self.scene.delivery.drop(slow)
        self.assertEqual(self.scene.delivery.backlog(), (0, 0, 0))


class Happenings(SynchronousTestCase):
    """What people do, and are refused."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.meters = self.chat.hub.meters

    def test_what_is_committed_counts_by_kind(self) -> None:
        alice = self.chat.join("alice")
        alice.types("hello", "/me waves", "again")
        counted = {kind: self.meters.events[kind.label] for kind in Kind}
        self.assertEqual((counted[Kind.SAID], counted[Kind.ACTED], counted[Kind.JOINED]), (2, 1, 1))

    def test_a_private_line_counts_once_though_two_inboxes_have_it(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        alice.types("/msg bob psst")
        bob.types("/reply what?")
        self.assertEqual(self.meters.events["private"], 2)

    def test_what_is_not_committed_does_not_count(self) -> None:
        chat = Chat(log := FailingLog())
        alice = chat.join("alice")
        log.failing = NOT_STORED
        alice.types("hello")
        self.assertEqual(chat.hub.meters.events["said"], 0)
        self.assertEqual(chat.hub.meters.refused, {Code.NOT_STORED: 1})

    def test_every_refusal_counts_by_its_code(self) -> None:
        alice = self.chat.join("alice")
        alice.types("/nonsense", "/msg nobody hello", "/nonsense")
        self.assertEqual(self.meters.refused, {Code.UNKNOWN_COMMAND: 2, Code.NO_SUCH_NICK: 1})

    def test_connections_that_are_not_let_in_count_by_reason(self) -> None:
        chat = Chat(limits=Limits(connections=1))
        chat.connect("192.0.2.1")
        chat.connect("192.0.2.1")
        self.assertEqual(chat.hub.meters.turned_away, {Code.TOO_MANY_CONNECTIONS: 1})

    def test_logins_count_by_what_became_of_them(self) -> None:
        chat = Chat(policy=Policy(UNLIMITED, plaintext_login=True))
        register(chat.hub, "alice")
        chat.connect().claims("alice wrong-password").addErrback(lambda _: None)
        chat.connect().claims(f"alice {WORD}")
        self.assertEqual(chat.hub.meters.logins, {ACCEPTED: 1, Code.BAD_PASSWORD: 1})


class Doors(SynchronousTestCase):
    """Connections, by door."""

    def setUp(self) -> None:
        self.factory = ChatFactory()
        self.meters = self.factory.hub.meters

    def connect(self) -> ChatProtocol:
        protocol = cast("ChatProtocol", self.factory.buildProtocol(None))
        transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4242))
        protocol.makeConnection(cast("ITransport", transport))
        return protocol

    def test_a_door_is_there_before_anybody_comes(self) -> None:
        self.assertEqual(dict(self.meters.connections), {"line": 0})

    def test_those_that_stand_and_those_there_were(self) -> None:
        first, _ = self.connect(), self.connect()
        first.connectionLost()
        self.assertEqual(dict(self.meters.connections), {"line": 1})
        self.assertEqual(dict(self.meters.accepted), {"line": 2})

    def test_another_protocol_is_turned_away(self) -> None:
        self.connect().dataReceived(b"GET / HTTP/1.1\r\n")
        self.assertEqual(self.meters.turned_away, {FOREIGN: 1})


class Commits(SynchronousTestCase):
    """How long they take."""

    def test_a_time_counts_in_the_bucket_whose_bound_it_does_not_exceed(self) -> None:
        histogram = Histogram()
        for seconds in (0.0, BUCKETS[0], BUCKETS[0] * 1.01, BUCKETS[-1], 1000.0):
            histogram.add(seconds)
        self.assertEqual(histogram.counts[:2], [2, 1])
        self.assertEqual(histogram.counts[-2:], [1, 1])
        self.assertEqual(sum(histogram.counts), 5)
        self.assertAlmostEqual(histogram.total, 1005.001005)

    def test_each_kept_entry_counts_once_it_is_committed(self) -> None:
        store = Store(self)
        with store.held():
            first = store.log.append([said("1")])
            store.log.append([])
            self.assertEqual(store.log.waiting, 2)
            self.assertEqual(sum(store.meters.commits.counts), 0)
        store.wait(first)
        store.append(said("2"), said("3"))
        self.assertEqual((sum(store.meters.commits.counts), store.log.waiting), (2, 0))
        self.assertGreater(store.meters.commits.total, 0.0)

    def test_what_is_on_disk_is_measured(self) -> None:
        store = Store(self)
        store.append(said("hello"))
        self.assertIsNone(store.meters.stored)
        store.log.measure()
        store.wait(store.log.head("#lobby"))
        while store.meters.stored is None:
            store.pump.turn()
        self.assertGreaterEqual(store.meters.stored, store.path.stat().st_size)
