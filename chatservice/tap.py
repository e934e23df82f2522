"""``twistd chat``: the one place where the parts meet."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from twisted.application.service import MultiService
from twisted.internet.interfaces import IProtocolFactory, IReactorCore

from chatservice.accounts.passwords import Passwords
from chatservice.doors.factory import DoorFactory
from chatservice.doors.line import ChatFactory
from chatservice.expiry import Expiry
from chatservice.hub import Hub
from chatservice.interfaces import IClock, IThreads
from chatservice.meters import Meters
from chatservice.names import keys
from chatservice.options import Options
from chatservice.people.person import Policy
from chatservice.service import ChatService, listen_at
from chatservice.signals import take_calmly
from chatservice.store.keeper import Keeper, Reactor

if TYPE_CHECKING:
    from chatservice.site.chatsite import ChatSite

__all__ = ["Options", "makeService"]

GARBAGE_AT: Final = 50_000
"""New objects after which Python looks for garbage in cycles, of which there is little. At the
usual 700, what is on its way is taken for old, and all connections are gone through with it."""

Door = TypeVar("Door", bound=DoorFactory)
Listening: TypeAlias = Iterator[tuple[str, object]]
"""Descriptions of endpoints, and the factories for them."""


def makeService(options: Options) -> MultiService:
    """Put the chat together.

    :param options: the parsed command line.
    :raises CannotStart: if an endpoint's description is not usable.
    """
    from twisted.internet import reactor

    # The wall clock jumps; every timer in this process goes by the monotonic one.
    clock = cast("IClock", reactor)
    clock.seconds = time.monotonic  # type: ignore[method-assign]
    keys(options["lobby"])  # reads Unicode's table of look-alikes now, before anybody waits for it
    meters = Meters()
    keeper = Keeper(cast("Reactor", reactor), options["data"], options.retention, meters=meters)
    policy = Policy(
        limits=options.limits,
        backlog=int(options["backlog"]),
        absence=options["absence"],
        welcome=keeper.consent(options["lobby"]),
        lobby=options["lobby"],
        plaintext_login=bool(options["allow-plaintext-login"]),
    )
    hub = Hub(
        keeper.log,
        clock,
        policy=policy,
        tickets=keeper.tickets,
        records=keeper.records,
        passwords=Passwords(threads=cast("IThreads", reactor)),
        checkers=options["credCheckers"],
        meters=meters,
    )
    keeper.keep_inboxes(hub.accounts.identities)
    hub.ended = cast("IReactorCore", reactor).stop  # type: ignore[misc]  # zope: no self
    factories = [*_lines(hub, options), *_irc(hub, options)]
    closers: list[Callable[[], None]] = []
    if options["web"] is not None:
        site = _site(hub, options)
        factories.append((options["web"], site))
        closers.append(site.close)
    factories += _metrics(hub, options)
    ports = [(at, listen_at(cast("IProtocolFactory", one), at)) for at, one in factories]
    cast("IReactorCore", reactor).callWhenRunning(_running, reactor)
    service = MultiService()
    upkeep = Expiry(clock, hub, options.expiry)
    ChatService(hub, keeper, ports, upkeep, closers).setServiceParent(service)
    return service


# Where the chat listens, and what answers there; what is not asked for is not imported.


def _lines(hub: Hub, options: Options) -> Listening:
    for at in (options["port"], *options["listen"]):
        yield at, _factory(ChatFactory, at, hub, options)
    if options["raw"] is not None:
        from chatservice.doors.raw import RawFactory

        yield options["raw"], _factory(RawFactory, options["raw"], hub, options)


def _irc(hub: Hub, options: Options) -> Listening:
    if options["irc"] is not None:
        from chatservice.doors.irc.protocol import IrcFactory

        yield options["irc"], _factory(IrcFactory, options["irc"], hub, options, **_of_irc(options))


def _metrics(hub: Hub, options: Options) -> Listening:
    if options["metrics"] is not None:
        from chatservice.site.metrics import make_metrics

        at = options["metrics"]
        yield (f"tcp:{at}:interface=127.0.0.1" if at.isdecimal() else at), make_metrics(hub)


def _site(hub: Hub, options: Options) -> "ChatSite":
    from chatservice.doors.irc.websocket import SUBPROTOCOLS, IrcWebFactory
    from chatservice.doors.websocket import WebSocketFactory
    from chatservice.site.server import make_site

    at = options["web"]
    by_kind = {
        kind: _factory(IrcWebFactory, at, hub, options, **_of_irc(options), opcode=kind)
        for kind in {*SUBPROTOCOLS.values()}
    }
    return make_site(
        hub,
        _factory(WebSocketFactory, at, hub, options),
        irc={name: by_kind[kind] for name, kind in SUBPROTOCOLS.items()},
        origins=options["web-origins"],
    )


def _of_irc(options: Options) -> dict[str, object]:
    """Return what is asked for of IRC, over whatever it is spoken."""
    return {
        "server": options["server-name"] or "",
        "roomless": bool(options["irc-no-lobby"]),
        "motd": options.motd,
    }


def _factory(
    door: Callable[..., Door], description: str, hub: Hub, options: Options, **more: object
) -> Door:
    return door(
        hub,
        ping=options["ping"],
        ping_timeout=options["ping-timeout"],
        peer_known_late=description.startswith("haproxy:"),
        **more,
    )


def _running(reactor: IThreads) -> None:
    take_calmly(reactor)
    gc.collect()
    gc.freeze()  # what is here now stays: the garbage collector need not look at it again
    gc.set_threshold(GARBAGE_AT)
