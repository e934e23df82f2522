"""What /may lists can be done, and nothing else: by every role to every other, and to bots."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.roles import Role
from tests.fakes import Chat, Guest

ACTS = ("kick", "mute", "ban", "voice", "devoice", "op", "deop")
ROOM = "#dev"


class WhatMayLists(SynchronousTestCase):
    """Ann, of some role, and Ben, of some role, or a bot."""

    def stage(self, place: str, roles: tuple[Role, Role]) -> list[Guest]:
        """Begin a chat with Ann and Ben in both rooms."""
        self.chat = Chat(policy=Policy(UNLIMITED))
        admin = self.chat.joined_as("toor", Role.ADMIN)
        admin.types(f"/join {ROOM}")
        people = []
        for nick, role in zip(("ann", "ben"), roles, strict=True):
            if role is Role.GUEST:
                person = self.chat.join(nick)
            else:
                person = self.chat.joined_as(nick, role if role is Role.ADMIN else Role.USER)
            person.types(f"/join {ROOM}")
            if role in (Role.VOICE, Role.OP):
                admin.types(f"/{role.label} {place} {nick}")
            people.append(person)
        for nick, role in zip(("ann", "ben"), roles, strict=True):
            if role is Role.FOUNDER:
                admin.types(f"/founder {place} {nick}")
        admin.types(f"/token robot {ROOM}")
        return people

    def listed(self, ann: Guest, place: str, whom: str) -> set[str]:
        ann.hears()
        ann.types(f"/may {place} {whom}")
        (answer,) = ann.hears()
        self.assertTrue(answer.startswith("-- "), answer)
        return {word[1:] for word in answer.split(": ", 1)[1].split() if word.startswith("/")}

    def works(self, ann: Guest, act: str, place: str, whom: str) -> bool:
        ann.hears()
        ann.types(f"/{act} {place} {whom}")
        return not any(line.startswith("! ") for line in ann.hears())

    def check(self, place: str, roles: tuple[Role, Role], whom: str) -> None:
        for act in ACTS:
            ann, _ = self.stage(place, roles)
            listed = self.listed(ann, place, whom)
            case = f"/{act} {place} {whom} by {roles[0].label}, to {roles[1].label}: {listed}"
            self.assertEqual(self.works(ann, act, place, whom), act in listed, case)

    def test_to_people_in_a_room(self) -> None:
        for own in Role:
            for other in Role:
                if (own, other) != (Role.FOUNDER, Role.FOUNDER):
                    self.check(ROOM, (own, other), "ben")

    def test_to_people_in_the_lobby(self) -> None:
        roles = [role for role in Role if role is not Role.FOUNDER]
        for own in roles:
            for other in roles:
                self.check("#lobby", (own, other), "ben")

    def test_to_bots(self) -> None:
        for own in Role:
            self.check(ROOM, (own, Role.USER), "robot")

    def test_to_a_bot_that_has_voice(self) -> None:
        ann, _ = self.stage(ROOM, (Role.OP, Role.USER))
        ann.types(f"/voice {ROOM} robot")
        self.assertEqual(self.listed(ann, ROOM, "robot"), {"mute", "ban", "devoice"})
        self.assertTrue(self.works(ann, "devoice", ROOM, "robot"))
