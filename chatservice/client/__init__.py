"""The terminal client: ``chat-client``, or ``python -m chatservice.client``.

link      the connection: answers NICK, tells what it hears, comes back by itself
editor    the line being typed, as data: keys, history, completion
screen    a person at a terminal: what is typed stays whole below what is said
pipe      no terminal: says the lines of stdin, waits for each to be seen
options   the command line
"""
