"""One chat, any client.

errors names text events roles limits   small words and rules, no I/O
plain objects                           events as lines, and as JSON
search retention resume taste           what is searched, kept, come back to, chosen
interfaces                              what a member, a dialect and a log are to the core
delivery/                               committed events on their way to the members
people/ accounts/                       who is here, and who proves to own which nickname
rooms/                                  who is in which room, who may do what there
presence/ bots/                         what is known of people; programs with a token
parts arrivals departures hub           one chat, put together: the only mutator
session commands/                       one connection, and what can be typed
store/                                  the log and the records, at rest
doors/ site/ web/                       one module for each wire protocol; HTTP; the page
client/ admin/                          chat-client, chat-admin
options service tap                     where the parts meet: ``twistd chat``
"""

__version__ = "0.1.0"
