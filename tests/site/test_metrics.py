"""GET /metrics: what it shows, in which format, and what else is refused."""

import gzip
from pathlib import Path
from typing import cast

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import Code
from chatservice.events import Kind
from chatservice.site.channel import LINGER
from chatservice.site.metrics import HAPPENINGS, MESSAGES, Numbers, make_metrics
from tests.fakes import Chat, FailingLog
from tests.site.fakes import Browser

HOSTILE = 'x"}\n# nick'


Answer = tuple[int, dict[str, str], bytes]


class Scrape(SynchronousTestCase):
    """A web server of metrics over a chat."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.site = make_metrics(self.chat.hub)

    def ask(self, request: str, *headers: str, body: bytes = b"") -> Answer:
        """Return status, headers and body of an answer."""
        protocol = cast("Protocol", self.site.buildProtocol(None))
        transport = StringTransport()
        protocol.makeConnection(cast("ITransport", transport))
        lines = [f"{request} HTTP/1.1", "Host: localhost", *headers, "", ""]
        protocol.dataReceived("\r\n".join(lines).encode() + body)
        protocol.connectionLost(Failure(ConnectionDone()))
        head, _, rest = transport.value().partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        named = dict(field.lower().split(": ", 1) for field in fields)
        return int(status.split()[1]), named, rest

    def values(self) -> dict[str, float]:
        """Return every sample by its name and labels."""
        status, _, shown = self.ask("GET /metrics")
        self.assertEqual(status, 200)
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
            for family in parse(shown.decode())
            for sample in family.samples
        }

    def test_the_numbers_are_the_chats(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        alice.types("/join #dev", "hello")
        bob.types("/me waves", "/nonsense")
        values = self.values()
        self.assertEqual(values["chatservice_people"], 2)
        self.assertEqual(values["chatservice_rooms"], 2)
        self.assertEqual(values["chatservice_messages_total said"], 1)
        self.assertEqual(values["chatservice_messages_total acted"], 1)
        self.assertEqual(values["chatservice_refusals_total unknown-command"], 1)
        self.assertEqual(values["chatservice_happenings_total joined"], 3)
        self.assertEqual(values["chatservice_deliveries_total"], self.chat.hub.meters.deliveries)
        self.assertEqual(values["chatservice_history_trouble"], 0)
        self.assertEqual(values["chatservice_commit_seconds_bucket +Inf"], 0)
        self.assertIn("process_resident_memory_bytes", values)

    def test_who_does_not_read_is_seen(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        bob.stalled = True
        alice.types("hello", "hello?")
        self.assertEqual(self.values()["chatservice_members_stalled"], 1)
        bob.reads()
        self.assertEqual(self.values()["chatservice_members_stalled"], 0)

    def test_trouble_with_the_history_is_seen(self) -> None:
        log = FailingLog()
        self.site = make_metrics(Chat(log).hub)
        log.trouble = "no space left"
        self.assertEqual(self.values()["chatservice_history_trouble"], 1)

    def test_commits_are_a_histogram(self) -> None:
        for seconds in (0.0001, 0.02, 7.0):
            self.chat.hub.meters.commits.add(seconds)
        values = self.values()
        self.assertEqual(values["chatservice_commit_seconds_bucket 0.0005"], 1)
        self.assertEqual(values["chatservice_commit_seconds_bucket 0.025"], 2)
        self.assertEqual(values["chatservice_commit_seconds_bucket 5.0"], 2)
        self.assertEqual(values["chatservice_commit_seconds_bucket +Inf"], 3)
        self.assertEqual(values["chatservice_commit_seconds_count"], 3)
        self.assertAlmostEqual(values["chatservice_commit_seconds_sum"], 7.0201)

    def test_what_people_choose_makes_no_new_series(self) -> None:
        before = set(self.values())
        guest = self.chat.join("mallory")
        guest.types("/join #secret-plans", "hello", f"/msg {HOSTILE}", f"/nick {HOSTILE}", "/x y")
        after = self.values()
        self.assertEqual(set(after), before)
        self.assertNotIn("mallory", " ".join(after))

    def test_every_code_and_every_kind_of_event_in_a_log_has_its_series(self) -> None:
        values = self.values()
        for code in Code:
            self.assertIn(f"chatservice_refusals_total {code.value}", values)
        in_log = {kind for kind in Kind if kind.kept} | set(MESSAGES) | set(HAPPENINGS)
        shown = {
            name.split()[1]
            for name in values
            if name.startswith(("chatservice_mess", "chatservice_happ"))
        }
        self.assertEqual(shown, {kind.label for kind in in_log})

    def test_every_metric_is_in_the_manual(self) -> None:
        manual = Path(__file__).parents[2].joinpath("docs", "admin.md").read_text("utf-8")
        self.chat.hub.meters.stored = 1
        for family in Numbers(self.chat.hub).collect():
            name = family.name.removeprefix("chatservice_")
            ending = {"counter": "_total", "info": "_info"}.get(family.type, "")
            self.assertIn(f"`{name}{ending}`", manual)

    def test_the_format_is_as_asked_for(self) -> None:
        _, plain, _ = self.ask("GET /metrics")
        self.assertIn("text/plain; version=0.0.4", plain["content-type"])
        _, head, shown = self.ask("GET /metrics", "Accept: application/openmetrics-text")
        self.assertIn("application/openmetrics-text", head["content-type"])
        names = {family.name for family in parse_openmetrics(shown.decode())}
        self.assertIn("chatservice_deliveries", names)

    def test_it_is_compressed_if_that_is_accepted(self) -> None:
        _, head, shown = self.ask("GET /metrics", "Accept-Encoding: gzip, br")
        self.assertEqual(
            (head["content-encoding"], head["vary"]), ("gzip", "accept, accept-encoding")
        )
        self.assertIn(b"chatservice_people 0.0", gzip.decompress(shown))
        _, head, _ = self.ask("GET /metrics", "Accept-Encoding: br")
        self.assertNotIn("content-encoding", head)

    def test_head_shows_the_same_head(self) -> None:
        status, head, shown = self.ask("HEAD /metrics")
        self.assertEqual((status, shown), (200, b""))
        self.assertGreater(int(head["content-length"]), 1000)

    def test_nothing_else_is_here(self) -> None:
        for path in ("/", "/metrics/", "/metrics/x", "/static/../metrics/.", "/%00", "/METRICS"):
            status, head, shown = self.ask(f"GET {path}")
            self.assertEqual((path, status), (path, 404))
            self.assertEqual(shown, b"There is nothing here; the metrics are at /metrics.\n")
            self.assertEqual(head["x-content-type-options"], "nosniff")

    def test_nothing_can_be_done_here(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, head, _ = self.ask(f"{method} /metrics", "Content-Length: 0")
            self.assertEqual((method, status, head["allow"]), (method, 405, "get, head"))

    def test_a_long_body_is_not_read(self) -> None:
        status, head, _ = self.ask("POST /metrics", "Content-Length: 1000000")
        self.assertEqual((status, head["connection"]), (413, "close"))

    def test_drop_after_drop_keeps_no_connection_open(self) -> None:
        """They would use up the descriptors that people need."""
        browser = Browser(self.site)
        for byte in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n":
            browser.send(bytes([byte]))
            self.chat.clock.advance(1)
        self.chat.clock.advance(LINGER)
        self.assertTrue(browser.transport.aborted)

    def test_nothing_that_is_asked_for_gets_into_the_log(self) -> None:
        """Not even where twisted warns of answers to HEAD."""
        with capturedLogs() as seen:
            self.assertEqual(self.ask("HEAD /secret")[0], 404)
        self.assertEqual(list(seen), [])

    def test_a_number_that_cannot_be_had_shows_no_traceback(self) -> None:
        def broken() -> tuple[int, int, int]:
            raise RuntimeError("secret")

        self.patch(self.chat.hub.delivery, "backlog", broken)
        status, _, shown = self.ask("GET /metrics")
        self.assertEqual(status, 500)
        self.assertNotIn(b"secret", shown)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
