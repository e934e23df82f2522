"""What one chat consists of before anybody comes: made once, used by all that people do."""

import time
from collections.abc import Callable

from chatservice.accounts.accounts import Accounts
from chatservice.accounts.identities import Identities
from chatservice.accounts.markers import Markers
from chatservice.accounts.preferences import Preferences
from chatservice.accounts.secret import Secret
from chatservice.accounts.tokens import Tokens
from chatservice.delivery.delivery import Delivery
from chatservice.delivery.excerpts import Excerpts
from chatservice.delivery.past import Past
from chatservice.interfaces import IClock, ILog, IRecords, ITickets
from chatservice.journal import Journal
from chatservice.limits import Quotas
from chatservice.meters import Meters
from chatservice.people.nicks import Nicks
from chatservice.people.order import Order
from chatservice.people.person import Person, Policy
from chatservice.people.returns import Returns
from chatservice.presence.cloaks import Cloaks
from chatservice.presence.presence import Presence
from chatservice.presence.watching import Watching
from chatservice.rooms.audit import Audit
from chatservice.rooms.conversations import Conversations
from chatservice.rooms.ops import Ops
from chatservice.rooms.rooms import Rooms
from chatservice.rooms.sanctions import Sanctions
from chatservice.store.memory import MemoryRecords, MemoryTickets


class Parts:
    """The parts; see Hub for the arguments.

    :ivar records: what is known besides what was said.
    :ivar people: every connection.
    :ivar nicks: who wears which nickname.
    :ivar tokens: whose each token is, of those who are here or may come back soon.
    """

    def __init__(
        self,
        log: ILog,
        clock: IClock | None,
        now: Callable[[], float],
        policy: Policy,
        tickets: ITickets | None,
        records: IRecords | None,
        meters: Meters | None = None,
    ) -> None:
        self.meters = meters = Meters() if meters is None else meters
        self.log = log
        self.clock = clock
        self.now = now
        self.policy = policy
        self.seconds = time.monotonic if clock is None else clock.seconds
        self.quotas = Quotas(policy.limits, self.seconds)
        self.people: dict[Person, None] = {}
        self.nicks: Nicks[Person] = Nicks()
        self.tokens: dict[str, Person] = {}
        self.records = records = MemoryRecords() if records is None else records
        self.accounts = Accounts(records, now)
        self.identities = Identities(self.accounts)
        self.secret = Secret(records, "names")
        self.markers = Markers(records, self.accounts, self.identities, now)
        self.tokens_of_bots = Tokens(records, self.accounts)
        self.delivery = Delivery(log, clock, now, meters)
        self.past = Past(log, self.delivery, now)
        self.excerpts = Excerpts(log, self.delivery)
        self.order = Order(log, self.delivery, now, policy.lobby, meters)
        self.preferences = Preferences(self.accounts, self.order, self.identities.people)
        self.sanctions = Sanctions(records, now)
        self.rooms = Rooms(self.order, self.past, policy, records, self.sanctions, now)
        self.presence = Presence(self.order, self.rooms, now)
        self.cloaks = Cloaks(self.accounts, self.identities, self.presence)
        self.watching = Watching(log, self.order, self.delivery, now)
        self.conversations = Conversations(
            log,
            self.order,
            self.past,
            self.delivery,
            self.accounts,
            self.nicks,
            self.identities.people,
            self.rooms.admission.speak_privately,
            self.presence.written_to,
        )
        self.returns = Returns(
            tickets or MemoryTickets(now), self.delivery, self.conversations.read, now
        )
        self.audit = Audit(log, self.order, now)
        self.ops = Ops(
            self.rooms,
            self.accounts,
            self.order,
            self.audit,
            self.nicks.find,
            self.identities.people,
            now,
        )
        self.journal = Journal(clock)
