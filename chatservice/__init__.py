"""One chat, any client.

errors names text events plain limits   small words and rules, no I/O
interfaces                              what a member, a dialect and a log are to the core
room hub session commands               who is here, what is said, who may do what
delivery                                committed events on their way to the members
store/                                  the log, at rest
doors/                                  one module for each wire protocol
client/                                 the terminal client
tap                                     where the parts meet: ``twistd chat``
"""

__version__ = "0.1.0"
