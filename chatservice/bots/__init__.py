"""Programs with a token: who lets them in, and what they say and read.

bots        making tokens, listing and ending them
callers     who wants something with a token, and whether it may
programs    saying something, reading
listeners   following a room
repeats     who asks twice says it once
"""
