"""Labels (labeled-response), where answers come late and much is asked for at once."""

import re

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.labels import Labels
from chatservice.errors import Code, Expelled
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.fakes import SlowLog

FREE = Policy(limits=UNLIMITED, plaintext_login=True)
ASKED = (
    *("JOIN #dev", "PRIVMSG #dev :one", "PRIVMSG #dev,alice :two", "PING x", "PRIVMSG bob :three"),
    *("NICK alicia", "NICK alicia", "TOPIC #dev :tea", "PRIVMSG nobody :four", "MODE #dev", "AWAY"),
    *("MODE #dev +im", "WHO #dev", "AWAY :tea", "TAGMSG #dev", "LIST", "SETNAME :Alicia", "HELLO"),
    *("PONG x", "who", "PART #dev", "PRIVMSG #dev :five", "CAP LIST", "ISON bob", "NOTICE bob :6"),
)


class AllAtOnce(SynchronousTestCase):
    """Each labelled message has one answer with its label, in the order of asking."""

    def setUp(self) -> None:
        self.log = SlowLog()
        self.chat = Chat(FREE, log=self.log)
        wanted = ("labeled-response", "batch", "echo-message", "setname", "message-tags")
        self.alice = self.chat.joined("alice", *wanted)
        self.bob = self.chat.joined("bob")

    def check(self, wire: Wire) -> None:
        lines = wire.lines()
        found = [re.match(r"@(?:\S+;)?label=(\d+)[; ]", line) for line in lines]
        labels = [int(match[1]) for match in found if match is not None]
        self.assertEqual(labels, [*range(len(ASKED))], "\n".join(lines))

    def labelled(self) -> list[str]:
        return [f"@label={number} {line}" for number, line in enumerate(ASKED)]

    def test_where_all_is_committed_at_once(self) -> None:
        self.alice.send(*self.labelled())
        self.check(self.alice)

    def test_in_one_piece(self) -> None:
        self.alice.send("\r\n".join(self.labelled()))
        while self.chat.clock.getDelayedCalls()[:1] and self.alice.protocol.paused:
            self.chat.turn()
        self.check(self.alice)

    def test_on_a_slow_disk(self) -> None:
        self.log.slow = True
        self.alice.send("\r\n".join(self.labelled()))
        for _ in range(10 * len(ASKED)):
            self.log.commit()
            self.chat.turn()
        self.check(self.alice)

    def test_a_tag_of_ones_own_leads_no_line_out_of_its_batch(self) -> None:
        self.alice.lines()
        heard, *told = self.alice.asks("@label=1;+x=batch=b1 PRIVMSG #lobby,alice :hi")
        self.assertIn(" PRIVMSG alice :hi", heard)  # as anybody's: it is not an answer
        self.assertTrue(told[0].startswith(f"@label=1 :{SERVER} BATCH +b1 "), told)
        self.assertEqual([line.split(";")[0] for line in told[1:-1]], ["@batch=b1"] * 2)
        self.assertEqual(told[-1], f":{SERVER} BATCH -b1")

    def test_a_name_is_no_batch(self) -> None:
        labels = Labels(SERVER)
        labels.begin("x", "1")
        labels.take([":alice!~al@irc.test TAGMSG BATCH", ":alice!~al@irc.test TAGMSG bob"])
        self.assertEqual(len(labels.end("1")), 4)

    def test_what_others_say_meanwhile_has_no_label(self) -> None:
        self.alice.lines()
        self.log.slow = True
        self.bob.send("PRIVMSG #lobby :first")
        self.alice.send("@label=1 PRIVMSG #lobby :mine")
        self.bob.send("PRIVMSG #lobby :last")
        for _ in range(10):
            self.log.commit()
            self.chat.turn()
        said = [re.sub(";msgid=[^ ]*|msgid=[^ ]*", "", line) for line in self.alice.lines()]
        mask = "PRIVMSG #lobby"
        self.assertEqual(
            said,
            [
                f"@ :bob!~bob@{SERVER} {mask} :first",
                f"@label=1 :alice!~alice@{SERVER} {mask} :mine",
                f"@ :bob!~bob@{SERVER} {mask} :last",
            ],
        )


class WhatGoesWrong(SynchronousTestCase):
    """A labelled message has an end, however it ends: or all that comes later would wait for it."""

    def test_who_is_thrown_out_for_one_is_gone(self) -> None:
        chat = Chat(Policy(plaintext_login=True))
        alice = chat.joined("alice", "labeled-response", "batch")

        def thrown_out(*_: object) -> None:
            raise Expelled(Code.FLOODING, "You wrote too much too fast and are disconnected.")

        self.patch(chat.hub.presence, "back", thrown_out)
        alice.send("@label=1 AWAY")
        self.assertTrue(alice.transport.disconnecting)
        self.assertIn("too much too fast", alice.lines()[-1])

    def test_what_fails_here_is_answered(self) -> None:
        chat = Chat(FREE)
        alice = chat.joined("alice", "labeled-response", "batch")
        self.patch(chat.hub.presence, "back", lambda person: 1 / 0)
        first, *rest = alice.asks("@label=1 AWAY", "PING after")
        self.assertTrue(first.startswith("@label=1 "), first)
        self.assertIn(" PONG ", rest[-1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
