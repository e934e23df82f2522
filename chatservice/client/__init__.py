"""The terminal client: ``chat-client``, or ``python -m chatservice.client``.

link      the connection: answers NICK, tells what it hears, comes back by itself
reach     how the server is reached, and why it was not
place     the token to come back with, and what has been read
errands   the commands that the link gives by itself
secret    which part of a line is a password, and where a program's own comes from
editor    the line being typed, as data: keys, history, completion
outbox    what was typed, on its way at the server's speed
look      how events look on a terminal; roster: who is here
screen    a person at a terminal: what is typed stays whole below what is said
pipe      no terminal: says the lines of stdin, waits for each to be seen
options   the command line
"""
