"""GET /metrics: what a running chat counts and has, as Prometheus reads it.

Collected in the reactor's thread, where nothing changes meanwhile. What that costs depends on how
many members are behind, and on nothing else that grows.
"""

import gzip
import platform
from collections.abc import Iterator, Mapping
from typing import Final, cast

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource

import chatservice
import twisted
from chatservice.errors import Code
from chatservice.events import SPEAKING, WHISPERING, Kind
from chatservice.hub import Hub
from chatservice.meters import ACCEPTED, BUCKETS, FOREIGN, ORIGIN, Histogram
from chatservice.site.channel import Request
from chatservice.site.chatsite import ChatSite
from chatservice.site.resources import Folder

MESSAGES: Final = (*SPEAKING, *WHISPERING)
"""What people say."""

HAPPENINGS: Final = (
    *(Kind.JOINED, Kind.LEFT, Kind.RENAMED, Kind.KICKED, Kind.TOPIC, Kind.MODE, Kind.ROLE),
    *(Kind.NOTED, Kind.AWAY, Kind.ACCOUNT, Kind.DESCRIBED, Kind.TAGGED, Kind.NUDGED),
    Kind.RECORDED,
)
"""What else goes through the log."""

TURNED_AWAY: Final = (Code.TOO_MANY_CONNECTIONS, Code.CLOSING, FOREIGN, ORIGIN)
"""Why most connections are not let in; shown at 0, so that their first one is seen as a change."""


class Numbers(Collector):
    """A chat's own metrics.

    :param hub: the chat.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._since = hub.now()

    def collect(self) -> Iterator[Metric]:
        """Go through all of them as they are now."""
        yield InfoMetricFamily(
            "chatservice_build",
            "What is running.",
            {
                "version": chatservice.__version__,
                "python": platform.python_version(),
                "twisted": twisted.__version__,
            },
        )
        yield _gauge("start_time_seconds", "When the chat was made, since 1970.", self._since)
        yield from self._people()
        yield from self._lines()
        yield from self._refusals()
        yield from self._log()

    def _people(self) -> Iterator[Metric]:
        hub, meters = self._hub, self._hub.meters
        standing = GaugeMetricFamily(
            "chatservice_connections", "Connections that stand, by door.", labels=["door"]
        )
        for door, count in sorted(meters.connections.items()):
            standing.add_metric([door], count)
        yield standing
        yield _counters(
            "connections_accepted", "Connections there were, by door.", "door", meters.accepted
        )
        yield _gauge(
            "people",
            "Nicknames that are worn, those included whose owner lost the connection just now.",
            len(hub.parts.nicks),
        )
        yield _gauge("rooms", "Rooms there are.", len(hub.rooms))
        yield _gauge("accounts", "Accounts there are.", len(hub.accounts))
        behind, stalled, answers = hub.delivery.backlog()
        yield _gauge("members_behind", "Connections that still have to catch up.", behind)
        yield _gauge("members_stalled", "Those of them that do not read what they got.", stalled)
        yield _gauge("answers_held", "Answers that wait for such connections.", answers)

    def _lines(self) -> Iterator[Metric]:
        meters = self._hub.meters
        yield _counters(
            "messages",
            "Lines that people said, committed, by kind.",
            "kind",
            {kind.label: meters.events[kind.label] for kind in MESSAGES},
        )
        yield _counters(
            "happenings",
            "What else went through the log, by kind.",
            "kind",
            {kind.label: meters.events[kind.label] for kind in HAPPENINGS},
        )
        yield _counter(
            "deliveries", "Messages and happenings given to a connection.", meters.deliveries
        )

    def _refusals(self) -> Iterator[Metric]:
        meters = self._hub.meters
        yield _counters(
            "refusals",
            "What people were refused, by code.",
            "code",
            {code.value: meters.refused[code] for code in Code},
        )
        yield _counters(
            "connections_refused",
            "Connections that were not let in, by reason.",
            "reason",
            dict.fromkeys(map(str, TURNED_AWAY), 0) | meters.turned_away,
        )
        yield _counters(
            "logins",
            "Passwords that were accepted, or not and by which code.",
            "result",
            dict.fromkeys((ACCEPTED, Code.BAD_PASSWORD.value, Code.TOO_MANY_TRIES.value), 0)
            | meters.logins,
        )

    def _log(self) -> Iterator[Metric]:
        log, meters = self._hub.parts.log, self._hub.meters
        yield _histogram(
            "commit_seconds", "From accepting a line to having it on disk.", meters.commits
        )
        yield _gauge("commits_waiting", "Appends to the log that are on their way.", log.waiting)
        yield _gauge(
            "history_trouble", "1 while the history cannot be written, else 0.", bool(log.trouble)
        )
        if meters.stored is not None:
            yield _gauge(
                "history_size_bytes", "The database on disk, as of a minute ago.", meters.stored
            )


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chatservice_{name}", about, value=value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"chatservice_{name}", about, value=value)


def _counters(name: str, about: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"chatservice_{name}", about, labels=[label])
    for key in sorted(values):
        family.add_metric([str(key)], values[key])
    return family


def _histogram(name: str, about: str, histogram: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
        total += count
        buckets.append((bound, total))
    family = HistogramMetricFamily(f"chatservice_{name}", about)
    family.add_metric([], buckets, sum_value=histogram.total)
    return family


class MetricsResource(Resource):
    """What is at /metrics.

    :param registry: what is shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return what says that there is nothing more."""
        return _Nothing()

    def render_GET(self, request: Request) -> bytes:
        """Show all metrics, in the format that is asked for."""
        encode, content_type = choose_encoder(_header(request, "accept"))
        shown = encode(self._registry)
        request.setHeader("Content-Type", content_type)
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("Vary", "Accept, Accept-Encoding")
        if gzip_accepted(_header(request, "accept-encoding")):
            request.setHeader("Content-Encoding", "gzip")
            shown = gzip.compress(shown, 6)
        return shown


class _Nothing(Folder):
    """What is everywhere else."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Go no further."""
        return self

    def render(self, request: Request) -> bytes:
        """Say where the metrics are."""
        return request.error(404, "There is nothing here; the metrics are at /metrics.")


class MetricsSite(ChatSite):
    """The web server for metrics, bounded as the one for everybody; the log names it apart."""


def registry_of(hub: Hub) -> CollectorRegistry:
    """Return a registry with a chat's metrics, its process's and its garbage collector's."""
    registry = CollectorRegistry()
    registry.register(Numbers(hub))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def make_metrics(hub: Hub) -> MetricsSite:
    """Return the web server for a chat's metrics."""
    root = _Nothing()
    root.put("metrics", MetricsResource(registry_of(hub)))
    return MetricsSite(root, hub, reactor=cast("IReactorTime | None", hub.clock))


def _header(request: Request, name: str) -> str:
    return request.getHeader(name) or ""
