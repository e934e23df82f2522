"""Topics, order, names and presence are one for IRC clients, nc and a browser."""

import re

from playwright.sync_api import expect

from tests.end_to_end.irc_clients import Ii, WeeChat
from tests.end_to_end.irc_party import DEV, LOBBY, Party


def test_a_room_has_one_topic(party: Party) -> None:
    """Whoever sets it, all see the same; who comes later, too."""
    alice, bob, carol = party.nc("alice", f"/join {DEV}"), party.page("bob"), party.irc()
    alice.expect("^alice joined #dev")
    alice.say("/topic Tea at four")
    alice.expect("^alice set the topic to: Tea at four")
    bob.enter(DEV)
    carol.join(DEV)
    alice.expect("^carol joined #dev$")
    expect(bob.event("carol joined")).to_have_count(1)
    carol.has_topic("Tea at four", DEV)
    alice.say("/topic Tea at five")
    carol.sees("topic", DEV, nick="alice", text="Tea at five")
    alice.say("/mode topic-locked off")
    carol.sees("mode", DEV, by="alice", room=DEV, text="-t")
    carol.set_topic("Coffee: 100% grüße 🎉", DEV)
    alice.expect("^carol set the topic to: Coffee: 100% grüße 🎉$")
    expect(bob.event("carol set the topic to: Coffee: 100% grüße 🎉")).to_have_count(1)
    carol.sees("topic", DEV, nick="carol", text="Coffee: 100% grüße 🎉")
    carol.has_topic("Coffee: 100% grüße 🎉", DEV)


def test_ops_keep_order_in_both_worlds(party: Party) -> None:
    """Kicks, bans and roles are the same, whoever gives them to whom."""
    alice, bob, carol = party.nc("alice", f"/join {DEV}"), party.page("bob"), party.irc()
    alice.expect("^alice joined #dev")
    bob.enter(DEV)
    carol.join(DEV)
    alice.say("/kick carol enough")
    carol.sees("kicked", DEV, by="alice", nick="carol", text="enough")
    alice.expect("^alice kicked carol out of #dev: enough$")
    expect(bob.event("alice kicked carol")).to_have_count(1)
    expect(bob.member("carol")).to_have_count(0)
    alice.say("/ban carol 1h spam")
    alice.expect("^-- alice banned carol for 1h: spam")
    carol.command(f"/join {DEV}")
    carol.shows(".*banned", DEV if isinstance(carol, WeeChat) else "")
    alice.say("/unban carol")
    alice.expect("unbanned carol")
    carol.join(DEV)

    dave = party.nc("dave", f"/join {DEV}")
    dave.expect("^dave joined #dev")
    alice.say("/op carol")
    carol.shows(r".*\+ov? carol", DEV)
    carol.ask(f"KICK {DEV} dave :be gone")
    dave.expect("^! carol kicked you out of #dev: be gone")
    alice.expect("^carol kicked dave out of #dev: be gone$")
    carol.sees("kicked", DEV, by="carol", nick="dave", text="be gone")
    carol.ask(f"MODE {DEV} +b dave!*@*")
    alice.expect("^-- carol banned dave")
    dave.say(f"/join {DEV}")
    dave.expect("^! You are banned from #dev")
    carol.ask(f"MODE {DEV} -b dave!*@*")
    alice.expect("^-- carol unbanned dave")
    dave.say(f"/join {DEV}")
    carol.sees("joined", DEV, 2, nick="dave", room=DEV)
    assert carol.people(DEV) == ["alice", "bob", "carol", "dave"]


def test_the_bans_that_clients_make_of_nicknames_hold(party: Party) -> None:
    """By /ban and /kickban: MODE with a mask that the client makes of what it was shown."""
    carol = party.irc()
    if isinstance(carol, Ii):
        return  # it has no such commands
    carol.join(DEV)
    for times, nick, banning in ((1, "ian", "/ban ian"), (2, "joe", "/kickban joe")):
        troll = party.nc(nick, f"/join {DEV}")
        carol.sees("joined", DEV, nick=nick, room=DEV)
        carol.command(banning, DEV)
        troll.expect("^! You are banned from #dev")
        found = re.search(r"\+b (\S+@guest-[a-z2-7]{8})", carol.shows(r".*\+b \S+.*", DEV, times))
        assert found
        troll.say(f"/nick other{nick}")
        troll.say(f"/join {DEV}")
        troll.expect("^! You are banned from #dev", 2)
        carol.command(f"/unban {found[1]}", DEV)
        carol.shows(rf".*-b {re.escape(found[1])}", DEV)
        troll.say(f"/join {DEV}")
        carol.sees("joined", DEV, nick=f"other{nick}", room=DEV)


def test_names_change(party: Party) -> None:
    """Everybody is known by the new name, in what is told and in the lists."""
    alice, bob, carol = party.nc("alice"), party.page("bob"), party.irc()
    carol.rename("caroline")
    alice.expect("^carol is now known as caroline$")
    expect(bob.member("caroline")).to_be_visible()
    expect(bob.member("carol")).to_have_count(0)
    carol.sees("renamed", LOBBY, nick="carol", new="caroline")
    alice.say("/nick zoë")
    carol.sees("renamed", LOBBY, nick="alice", new="zoë")
    alice.say("it is me")
    carol.hears("zoë", "it is me", LOBBY)
    carol.say("so am I", LOBBY)
    alice.expect("^caroline: so am I$")
    assert carol.people(LOBBY) == ["bob", "caroline", "zoë"]


def test_who_is_away_is_so_everywhere(party: Party) -> None:
    """With the reason, for whoever asks or writes."""
    alice, carol = party.nc("alice"), party.irc()
    carol.command("/away lunch" if not isinstance(carol, Ii) else "/a lunch")
    carol.shows(".*You .*away")
    alice.say("/whois carol")
    alice.expect("away.*lunch")
    alice.say("/msg carol are you there?")
    alice.expect("carol is away.*lunch")
    carol.hears("alice", "are you there?", "alice")
    alice.say("/away tea")
    alice.expect("^-- .*away")
    carol.say("and you?", "alice")
    carol.shows(".*tea", "alice" if not isinstance(carol, Ii) else "")
