"""Registered nicknames: who owns them, how that is proved, and what is kept for their owners.

accounts    every account, kept in the records
logins      logging in, registering, changing a password; tries bounds how often
credentials passwords scram mechanisms certificates     the proofs
identities  who is here under which identity
preferences markers     what is kept for owners: settings, and how far they have read
tokens secret           of bots, and of the server itself
"""
