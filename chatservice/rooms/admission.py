"""Who may come into a room and who may speak there: roles, modes and sanctions taken together."""

import hmac
from collections.abc import Callable, Iterable

from chatservice.errors import ChatError, Code, NickRefused
from chatservice.people.account import Account
from chatservice.people.person import Person
from chatservice.roles import Role
from chatservice.rooms import rights
from chatservice.rooms.rights import Act
from chatservice.rooms.room import Room
from chatservice.rooms.sanction import EVERYWHERE, Measure, Sanction, Subject
from chatservice.rooms.sanctions import Sanctions


class Admission:
    """The rules of coming in and speaking.

    :param lobby: the room that stands for the chat as a whole.
    :param sanctions: who is banned and muted.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, lobby: Room, sanctions: Sanctions, now: Callable[[], float]) -> None:
        self.lobby = lobby
        self._sanctions = sanctions
        self._now = now

    def role(self, person: Person, room: Room) -> Role:
        """Return what somebody is in a room."""
        own = Role.GUEST if person.account is None else person.account.role
        return max(own, room.charter.role(person.inbox))

    def scope(self, room: Room) -> str:
        """Return where a sanction of a room holds."""
        return EVERYWHERE if room is self.lobby else room.name

    def place(self, room: Room) -> str:
        """Return what a room is called when it is about who may be there."""
        return "the chat" if room is self.lobby else room.name

    def subject(self, person: Person, room: Room) -> Subject:
        """Return somebody as sanctions of a room look at people."""
        role = self.role(person, room)
        return Subject(person.nick, person.inbox, person.host, person.came, role)

    def sanction(self, person: Person, room: Room, *measures: Measure) -> Sanction | None:
        """Return what stops somebody in a room, be it of that room or of the whole chat."""
        if not len(self._sanctions):
            return None
        subject = self.subject(person, self.lobby)
        found = self._sanctions.find(subject, EVERYWHERE, *measures)
        if found is None and room is not self.lobby:
            found = self._sanctions.find(self.subject(person, room), room.name, *measures)
        return found

    def stopped(self, account: Account, room: Room, *measures: Measure) -> Sanction | None:
        """Return what stops the owner of an account in a room, wherever it is; see sanction."""
        if not len(self._sanctions):
            return None
        for scope in (EVERYWHERE, room.name):
            place = self.lobby if scope == EVERYWHERE else room
            role = max(account.role, place.charter.role(account.identity))
            subject = Subject(account.name, account.identity, None, self._now(), role)
            if (found := self._sanctions.find(subject, scope, *measures)) is not None:
                return found
        return None

    def check(self, person: Person, room: Room, act: Act) -> Role:
        """Ask whether somebody may do something in a room, or from outside to it.

        :returns: its role there.
        :raises ChatError: BANNED, or see rights.check: who is banned has no say either.
        """
        self._not_banned(person, room)
        role = self.role(person, room)
        rights.check(role, act, room.charter.modes, self.place(room))
        return role

    def come_in(self, person: Person, nick: str, account: Account | None) -> None:
        """Ask whether somebody may come into the chat, or go on under another nickname.

        :param account: what it has proved to own; None for nothing.
        :raises NickRefused: BANNED.
        """
        if not len(self._sanctions):
            return
        identity = person.inbox if account is None else account.identity
        own = Role.GUEST if account is None else account.role
        role = max(own, self.lobby.charter.role(identity))
        subject = Subject(nick, identity, person.host, person.came, role)
        ban = self._sanctions.find(subject, EVERYWHERE, Measure.BAN)
        if ban is not None:
            told = ban.told(self._now(), self.place(self.lobby))
            if ban.guests and account is None:
                told += " (Who has an account answers NICK with nickname and password.)"
            raise NickRefused(Code.BANNED, told)

    def come_back(self, person: Person, room: Room) -> None:
        """Ask whether somebody who was in a room may come back.

        :raises ChatError: BANNED or NEEDS_ENCRYPTION.
        """
        self._not_banned(person, room)
        self.encrypted(person, room)

    def encrypted(self, person: Person, room: Room) -> None:
        """Ask whether a connection is good enough for a room.

        :raises ChatError: NEEDS_ENCRYPTION.
        """
        if room.charter.modes.secure and not person.encrypted:
            raise ChatError(
                Code.NEEDS_ENCRYPTION,
                f"Only who comes over an encrypted connection can enter {room.name}: "
                "connect by TLS.",
            )

    def may_come_in(self, person: Person, room: Room) -> None:
        """Ask whether somebody may come into a room, or stay there; see enter."""
        if room.name in person.place.rooms:
            self._not_banned(person, room)
        else:
            self.enter(person, room, "")

    def enter(self, person: Person, room: Room, key: str) -> None:
        """Ask whether somebody may come into a room.

        :param key: what it said to be let in; "" for nothing.
        :raises ChatError: BANNED, NEEDS_ENCRYPTION, BAD_KEY, INVITE_ONLY or ROOM_FULL.
        """
        self.come_back(person, room)
        charter, role = room.charter, self.role(person, room)
        invited = charter.invited.get(person.inbox, 0.0) > self._now()
        if role >= Role.VOICE or invited:
            return
        wanted = charter.modes.key
        if wanted and not hmac.compare_digest(wanted.encode(), key.encode()):
            raise ChatError(
                Code.BAD_KEY,
                f"{room.name} has {'another' if key else 'a'} key: type /join {room.name} KEY, "
                "or have somebody in it invite you.",
            )
        if charter.modes.invite_only:
            raise ChatError(
                Code.INVITE_ONLY,
                f"{room.name} is for those who are invited: ask somebody in it for an invitation.",
            )
        if 0 < charter.modes.limit <= len(room):
            raise ChatError(
                Code.ROOM_FULL,
                f"{room.name} is full: {charter.modes.limit:,} people can come in. Try again "
                "later, or have an op in it invite you.",
            )

    def call_in(self, person: Person, room: Room) -> None:
        """Ask whether somebody may speak in a room that it is not in; besides see speak.

        What is said in a secure room never goes over a connection that is not encrypted.

        :raises ChatError: NO_SUCH_ROOM, BANNED or NEEDS_ENCRYPTION.
        """
        if not room.charter.modes.outside:
            raise ChatError(
                Code.NO_SUCH_ROOM, f"You are not in {room.name}: /join {room.name} first."
            )
        self.come_back(person, room)

    def speak(self, person: Person, room: Room, line: bool = True) -> bool:
        """Ask whether somebody may say something in a room, and account for it.

        :param line: whether it is one; a sign comes no faster, but no line has to wait for it.
        :returns: whether others hear it.
        :raises ChatError: MUTED, MODERATED or SLOW_MODE.
        """
        self.may_speak(person, room)
        if room.charter.modes.slow and self.role(person, room) < Role.VOICE:
            room.pace(person.inbox, self._now(), line)
        return self.heard(person, room)

    def heard(self, person: Person, room: Room) -> bool:
        """Tell whether others hear what somebody who may speak says in a room."""
        return self.sanction(person, room, Measure.SHADOW) is None

    def may_speak(self, person: Person, room: Room) -> None:
        """Ask whether somebody may say something in a room, but for the pace.

        :raises ChatError: MUTED or MODERATED.
        """
        muted = self.sanction(person, room, Measure.MUTE)
        if muted is not None:
            raise self._muted(muted, room)
        rights.check(self.role(person, room), Act.TALK, room.charter.modes, room.name)

    def speak_privately(self, person: Person, room: Room | None = None) -> bool:
        """Ask whether somebody may say something to one other; see speak.

        :param room: the one that it is about; None for none.
        """
        about = self.lobby if room is None else room
        muted = self.sanction(person, about, Measure.MUTE)
        if muted is not None:
            raise self._muted(muted, about)
        return self.sanction(person, about, Measure.SHADOW) is None

    def change_nick(self, person: Person, rooms: Iterable[Room], nick: str) -> None:
        """Ask whether somebody may take another nickname: everybody in its rooms sees it.

        :raises ChatError: MUTED or BANNED.
        """
        for room in [self.lobby, *rooms]:  # it may be in none
            muted = self.sanction(person, room, Measure.MUTE)
            if muted is not None:
                raise self._muted(muted, room)
        self.come_in(person, nick, person.account)

    def _not_banned(self, person: Person, room: Room) -> None:
        ban = self.sanction(person, room, Measure.BAN)
        if ban is not None:
            raise ChatError(Code.BANNED, ban.told(self._now(), self._named(ban, room)))

    def _muted(self, muted: Sanction, room: Room) -> ChatError:
        return ChatError(Code.MUTED, muted.told(self._now(), self._named(muted, room)))

    def _named(self, sanction: Sanction, room: Room) -> str:
        return "the chat" if sanction.room == EVERYWHERE else self.place(room)
