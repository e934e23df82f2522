"""What programs are answered in a form of their own, where people get text."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands import COMMANDS
from chatservice.roles import Role
from chatservice.rooms import rights
from chatservice.rooms.modes import NORMAL
from tests.doors.test_json import Chat, JsonPerson, brief


class ForPrograms(SynchronousTestCase):
    """Rooms, who is in them, what one may type, and what one may do to somebody."""

    def setUp(self) -> None:
        """Bring in a program that has a room, and somebody who types."""
        self.chat = Chat()
        self.bot, self.bob = self.chat.join("bot"), self.chat.connect()
        self.bot.ask("join", room="#dev")
        self.bob.send(b"bob\n/join #dev\n")
        self.answers()

    def answers(self) -> list[dict[str, object]]:
        """Return what the program was told."""
        self.chat.turn()
        return self.bot.objects()

    def asks(self, do: str, *names: str, **fields: object) -> list[tuple[object, ...]]:
        """Ask for something; return some fields of the answers, which end with done."""
        self.bot.ask(do, 7, **fields)
        *answers, done = self.answers()
        self.assertEqual(brief([done], "type", "id"), [("done", 7)])
        self.assertEqual({answer["id"] for answer in answers}, {7})
        return brief(answers, "type", *names)

    def types(self, line: str) -> None:
        """Let bob type something."""
        self.bob.send(f"{line}\n".encode())
        self.answers()

    def test_rooms(self) -> None:
        """One's own role says in which one is; of secret ones only who is in them is told."""
        self.types("/join #art")
        self.types("/mode secret on")
        self.bot.ask("topic", room="#dev", text="cats")
        self.bot.ask("join", room="#lobby")
        self.answers()
        self.assertEqual(
            self.asks("rooms", "room", "members", "role", "text"),
            [("room", "#lobby", 2, "guest", ""), ("room", "#dev", 2, "founder", "cats")],
        )
        self.types("/mode secret off")
        rooms = self.asks("rooms", "room", "members", "role", "text")
        self.assertEqual(rooms[2:], [("room", "#art", 1, "", "")])

    def test_rooms_of_one_who_is_in_many(self) -> None:
        """All of them, and the largest others as for anybody: there is something to join."""
        for n in range(25):
            self.bot.ask("join", room=f"#own-{n}")
            self.types(f"/join #other-{n}")
        self.answers()
        rooms = self.asks("rooms", "room", "role")
        own = [room for _, room, role in rooms if role]
        self.assertEqual((len(own), len(rooms) - len(own)), (27, 20))

    def test_who_is_in_a_room(self) -> None:
        """With roles, and who is not there."""
        self.types("/away lunch")
        self.assertEqual(
            self.asks("who", "room", "nick", "role", "text", room="#dev"),
            [("member", "#dev", "bob", "guest", "away"), ("member", "#dev", "bot", "founder", "")],
        )
        self.types("back")
        self.assertIn(("member", "bob", ""), self.asks("who", "nick", "text"))

    def test_bots_come_behind_those_who_are_there(self) -> None:
        """With what they may, as whoever is in the room should know; they are not in it."""
        self.chat.hub.find("bot").encrypted = True
        self.bot.ask("register", password="one and the same word")
        self.answers()
        for line in ("/token deploy #dev", "/token watch #dev read"):
            self.bot.ask("line", line=line)
        self.answers()
        self.assertEqual(
            self.asks("who", "nick", "role", "text", room="#dev")[2:],
            [("member", "deploy", "bot", "read and write"), ("member", "watch", "bot", "read")],
        )
        self.assertIn(("room", "#dev", 2), self.asks("rooms", "room", "members"))
        ((*_, text),) = self.asks("may", "text", nick="deploy", room="#dev")
        self.assertEqual(text, "mute ban voice")

    def test_who_has_lost_the_connection_is_absent(self) -> None:
        """As long as it may come back."""
        self.types("/resume")
        self.bob.hang_up()
        self.assertIn(("member", "bob", "absent"), self.asks("who", "nick", "text"))

    def test_what_one_may_type(self) -> None:
        """Of what takes a role, only what one's own suffices for."""
        here = self.asks("help", "name", "usage", "text")
        self.assertIn(("command", "kick", "/kick [#ROOM] NICK [REASON]"), [c[:3] for c in here])
        self.bot.ask("join", room="#lobby")
        self.answers()
        there = self.asks("help", "name")
        self.assertLess({name for _, name in there}, {row.name for row in COMMANDS})
        self.assertNotIn(("command", "kick"), there)

    def test_what_one_may_do_to_somebody(self) -> None:
        """In this room, nothing in that."""
        ((_, room, nick, text),) = self.asks("may", "room", "nick", "text", nick="bob")
        self.assertEqual((room, nick, text), ("#dev", "bob", "kick mute ban voice op"))
        ((*_, text),) = self.asks("may", "text", nick="bob", room="#lobby")
        self.assertEqual(text, "")
        self.bot.ask("line", 8, line="/may bob")
        self.assertEqual(
            self.answers()[0]["text"],
            "You are founder in #dev and may do to bob: /kick /mute /ban /voice /op",
        )

    def test_what_one_may_is_what_one_is_allowed(self) -> None:
        """Whoever is shown a command is not refused it for its rank, and the other way round."""
        acts = {
            "kick": rights.Act.KICK,
            "mute": rights.Act.MUTE,
            "ban": rights.Act.BAN,
            "voice": rights.Act.VOICE,
            "devoice": rights.Act.VOICE,
            "op": rights.Act.OP,
            "deop": rights.Act.OP,
        }
        for role in Role:
            for other in Role:
                shown = rights.on(role, NORMAL, other)
                for name, act in acts.items():
                    allowed = rights.may(role, act, NORMAL) and other < role
                    if name in shown:
                        self.assertTrue(allowed, (role, other, name))
                    elif name in ("kick", "mute", "ban"):
                        self.assertFalse(allowed, (role, other, name))
                if role is Role.FOUNDER and other < Role.OP:
                    self.assertIn("op", shown)


class Away(SynchronousTestCase):
    """That somebody is away, as it happens: for programs alone, and without the reason."""

    def setUp(self) -> None:
        """Bring in a program and two people."""
        self.chat = Chat()
        self.bot, self.bob, self.carol = self.chat.join("bot"), *map(self.plain, ("bob", "carol"))
        self.heard(self.bot)

    def plain(self, nick: str) -> JsonPerson:
        """Bring in somebody who reads lines."""
        person = self.chat.connect()
        person.send(f"{nick}\n".encode())
        self.chat.turn()
        person.lines()
        return person

    def heard(self, person: JsonPerson) -> list[tuple[object, ...]]:
        """Return what the program heard."""
        self.chat.turn()
        return brief(person.objects(), "type", "room", "nick", "text")

    def test_it_is_told_once_in_each_room(self) -> None:
        """And so is the end of it."""
        self.bob.send(b"/away lunch\n/away tea\n")
        self.assertEqual(self.heard(self.bot), [("away", "#lobby", "bob", "away")])
        self.bob.send(b"back\n")
        self.assertEqual(
            self.heard(self.bot),
            [("away", "#lobby", "bob", ""), ("said", "#lobby", "bob", "back")],
        )

    def test_nobody_else_is_sent_a_single_byte(self) -> None:
        """Who reads lines has /who."""
        self.carol.lines()
        self.bob.send(b"/away lunch\n")
        self.chat.turn()
        self.assertEqual(self.carol.lines(), [])
        self.bob.send(b"/away\n")
        self.chat.turn()
        self.assertEqual(self.carol.lines(), [])

    def test_not_of_somebody_ignored(self) -> None:
        """As its coming and going."""
        self.bot.ask("ignore", nick="bob")
        self.heard(self.bot)
        self.bob.send(b"/away lunch\n")
        self.assertEqual(self.heard(self.bot), [])
