"""Who may do what: the table of rights, act by act and role by role."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code
from chatservice.roles import Role
from chatservice.rooms.modes import NORMAL, Modes
from chatservice.rooms.rights import Act, check, check_given, check_on, may, who_may

OPEN = Modes(topic_locked=False)
TABLE = [
    # what, in a room with these modes, from which role on
    (Act.TALK, NORMAL, Role.GUEST),
    (Act.TALK, Modes(moderated=True), Role.VOICE),
    (Act.TALK, Modes(invite_only=True, key="k", secret=True, secure=True, slow=9.0), Role.GUEST),
    (Act.SET_TOPIC, NORMAL, Role.OP),
    (Act.SET_TOPIC, OPEN, Role.GUEST),
    (Act.INVITE, NORMAL, Role.GUEST),
    (Act.INVITE, Modes(secret=True), Role.GUEST),
    (Act.INVITE, Modes(invite_only=True), Role.OP),
    (Act.INVITE, Modes(key="k"), Role.OP),
    *[
        (act, modes, Role.OP)
        for act in (Act.VOICE, Act.KICK, Act.MUTE, Act.BAN)
        for modes in (NORMAL, OPEN, Modes(moderated=True, invite_only=True))
    ],
    (Act.SEE_BANS, NORMAL, Role.OP),
    (Act.SET_MODE, NORMAL, Role.OP),
    (Act.AUDIT, NORMAL, Role.OP),
    (Act.LET_BOTS_IN, NORMAL, Role.OP),
    (Act.OP, NORMAL, Role.FOUNDER),
    (Act.HAND_OVER, NORMAL, Role.FOUNDER),
    (Act.DROP, NORMAL, Role.FOUNDER),
    (Act.ANNOUNCE, NORMAL, Role.ADMIN),
    (Act.DRAIN, NORMAL, Role.ADMIN),
    (Act.SEE_ADDRESSES, NORMAL, Role.ADMIN),
    (Act.ENTER_ANYWHERE, NORMAL, Role.ADMIN),
]


class Rights(SynchronousTestCase):
    """One check for all."""

    def refusal(self, role: Role, act: Act, modes: Modes = NORMAL) -> ChatError:
        refusal = self.assertRaises(ChatError, check, role, act, modes, "#dev")
        assert isinstance(refusal, ChatError)
        return refusal

    def test_every_act_stands_in_the_table(self) -> None:
        self.assertEqual({act for act, _, _ in TABLE}, set(Act))

    def test_each_role_may_what_those_below_it_may(self) -> None:
        for act, modes, needed in TABLE:
            for role in Role:
                self.assertIs(may(role, act, modes), role >= needed, (act, modes, role))

    def test_who_may_not_is_refused_with_what_to_do(self) -> None:
        for act, modes, needed in TABLE:
            for role in Role:
                if role >= needed:
                    check(role, act, modes, "#dev")
                    continue
                refusal = self.refusal(role, act, modes)
                code = Code.MODERATED if act is Act.TALK else Code.NOT_ALLOWED
                self.assertIs(refusal.code, code)
                self.assertRegex(refusal.message, "/who|/voice")

    def test_nobody_acts_on_somebody_as_high(self) -> None:
        for role in Role:
            for other in Role:
                if role < Role.OP:
                    code: Code | None = Code.NOT_ALLOWED  # whoever the other is
                else:
                    code = Code.OUTRANKED if other >= role else None
                try:
                    check_on(role, Act.KICK, NORMAL, "#dev", other, "bob")
                except ChatError as refusal:
                    self.assertIs(refusal.code, code)
                    self.assertIn("bob" if code is Code.OUTRANKED else "#dev", refusal.message)
                else:
                    self.assertIsNone(code)

    def test_nobody_gives_what_is_not_below_the_own(self) -> None:
        for role in Role:
            for given in Role:
                if given < role:
                    check_given(role, given)
                else:
                    refusal = self.assertRaises(ChatError, check_given, role, given)
                    self.assertIs(refusal.code, Code.OUTRANKED)

    def test_help_says_who_may(self) -> None:
        self.assertEqual(who_may(Act.TALK), "everybody, unless the room's modes say no")
        self.assertEqual(who_may(Act.SET_TOPIC), "ops")
        self.assertEqual(who_may(Act.OP), "only the founder")
        self.assertEqual(who_may(Act.DRAIN), "admins")
