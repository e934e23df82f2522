"""One chat, any client.

errors names text events limits         small words and rules, no I/O
plain objects                           events as lines, and as JSON
search retention resume                 what is searched, kept, and come back to
interfaces                              what a member, a dialect and a log are to the core
hub arrivals departures conversations   who is here, comes and goes, and writes to whom
session commands/                       one connection, and what can be typed
rooms room modes charters               who is in which room, and what was decided there
roles rights admission ops moderation   who may do what, come in, speak; who keeps order
accounts owners logins passwords        registered nicknames, and who proves to own one
preferences settings taste presence     what one person chooses to see, and says of itself
mechanisms scram certificates           other proofs than a password that is told
watching markers                        who is watched from outside, and how far one has read
order delivery catching_up past         committed events on their way to the members
store/                                  the log and the records, at rest
doors/                                  one module for each wire protocol
client/ admin/                          chat-client, chat-admin
tap                                     where the parts meet: ``twistd chat``
"""

__version__ = "0.1.0"
