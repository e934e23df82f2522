"""Who is here: one connection each, and what it hears and does in the log's order.

person      one connection as the hub knows it
account     the record of a registered nickname
nicks       who wears which nickname
settings away   what somebody has set for itself, and that it is away
order       what people do and hear, each in its place
returns     who comes back, and how far it has read
"""
