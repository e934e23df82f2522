"""The doors: each is one wire protocol, from bytes to intents and from events to bytes.

framing and telnet cut a byte stream into lines, outlet is the way out of one connection,
connection and factory are what all doors have in common; the others are doors and never import
each other.
"""
