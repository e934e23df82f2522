"""Committed events on their way to the members: live, late, or looked back at. No wires, no rules.

feed        one room's way out: its batches, and how far somebody has read in them
reader      a member as delivery knows it, with a cursor in each of its rooms
delivery    what a turn of the reactor committed, given to each member with one call
catching_up who is BEHIND is brought to the head, at its own speed
recall past what is told of the past, page by page: backlog, history, search
excerpts    the past for clients that look back by themselves
later       answers that are made only when all before them was given
"""
