"""What may be known of who is here or was: who it is, where it comes from, who watches it.

presence    who is away, who is called what, who was here
owners      who of those here may wear a nickname, and takes it over from whom
cloaks      what stands for where somebody comes from
watching    who watches which nicknames from outside their rooms
"""
