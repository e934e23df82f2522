"""``chat-admin``: what an operator does with the history, whether the chat runs or not.

It works on the database beside the server and never takes the server's lock; what it changes it
changes in short transactions, and the server notices (store/writer.py).

options                       the command line, from a table of commands
commands                      the table: every command with its options
opening                       the database, and turns at it
progress                      how far a long one is, on a terminal
lines                         one event as a line of JSON, and back
exporting importing           the history as such lines, out and in
upkeep statistics             vacuum and check; what there is
accounts records              who is registered; what the chat knows besides what was said
"""
