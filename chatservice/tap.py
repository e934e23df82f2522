"""``twistd chat``: the one place where the parts meet."""

import gc
import time
from collections.abc import Callable
from typing import Final, TypeVar, cast

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

__all__ = ["Options", "makeService"]

GARBAGE_AT: Final = 50_000
"""New objects after which Python looks for garbage in cycles, of which there is little. At the
usual 700, what is on its way is taken for old, and all connections are gone through with it."""

Door = TypeVar("Door", bound=DoorFactory)


def makeService(options: Options) -> MultiService:
    """Put the chat together.

    :param options: the parsed command line.
    :raises CannotStart: if an endpoint's description is not usable.
    """
    from twisted.internet import reactor

    from chatservice.doors.raw import RawFactory

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
    wanted: list[tuple[type[DoorFactory], str]] = [
        (ChatFactory, at) for at in (options["port"], *options["listen"])
    ]
    if options["raw"] is not None:
        wanted.append((RawFactory, options["raw"]))
    factories: list[tuple[str, object]] = [
        (at, _factory(door, at, hub, options)) for door, at in wanted
    ]
    closers: list[Callable[[], None]] = []
    if options["irc"] is not None:
        from chatservice.doors.irc.protocol import IrcFactory

        at = options["irc"]
        factories.append((at, _factory(IrcFactory, at, hub, options, **_irc(options))))
    if options["web"] is not None:
        from chatservice.doors.irc.websocket import SUBPROTOCOLS, IrcWebFactory
        from chatservice.doors.websocket import WebSocketFactory
        from chatservice.site.server import make_site

        web = options["web"]
        by_kind = {
            kind: _factory(IrcWebFactory, web, hub, options, **_irc(options), opcode=kind)
            for kind in {*SUBPROTOCOLS.values()}
        }
        site = make_site(
            hub,
            _factory(WebSocketFactory, web, hub, options),
            irc={name: by_kind[kind] for name, kind in SUBPROTOCOLS.items()},
            origins=options["web-origins"],
        )
        factories.append((web, site))
        closers.append(site.close)
    if options["metrics"] is not None:
        from chatservice.site.metrics import make_metrics

        at = options["metrics"]
        at = f"tcp:{at}:interface=127.0.0.1" if at.isdecimal() else at
        factories.append((at, make_metrics(hub)))
    ports = [(at, listen_at(cast("IProtocolFactory", one), at)) for at, one in factories]
    cast("IReactorCore", reactor).callWhenRunning(_running, reactor)
    service = MultiService()
    upkeep = Expiry(clock, hub, options.expiry)
    ChatService(hub, keeper, ports, upkeep, closers).setServiceParent(service)
    return service


def _running(reactor: IThreads) -> None:
    take_calmly(reactor)
    gc.collect()
    gc.freeze()  # what is here now stays: the garbage collector need not look at it again
    gc.set_threshold(GARBAGE_AT)


def _irc(options: Options) -> dict[str, object]:
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
