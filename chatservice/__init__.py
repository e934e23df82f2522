"""One chat, any client.

errors names text events plain limits   small words and rules, no I/O
search retention resume                 what is searched, kept, and come back to
taste settings away                     what one person chooses to see, and says of itself
interfaces                              what a member, a dialect and a log are to the core
room rooms person hub session commands  who is here, what is said, who may do what
order delivery catching_up past         committed events on their way to the members
store/                                  the log, at rest
doors/                                  one module for each wire protocol
client/ admin/                          chat-client, chat-admin
tap                                     where the parts meet: ``twistd chat``
"""

__version__ = "0.1.0"
