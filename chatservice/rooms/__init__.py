"""Where people talk, and who keeps order there.

rooms       the rooms there are, and who is in which; coming in, going out, speaking
room modes  one room, and the modes it may have
charters    what was decided about rooms: topics, modes, roles, invitations
rights      who may do what: the one check
admission   who may come in and speak: roles, modes and sanctions taken together
sanction sanctions  a ban or mute, and all that stand
ops moderation audit    what ops do with rooms and to people, and the log of it
conversations readings  what is said to one person alone, and how far it was given
"""
