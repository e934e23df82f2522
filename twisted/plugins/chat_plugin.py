"""Tells twistd of ``twistd chat``. Every ``twistd --help`` reads it: it imports nothing of ours."""

from twisted.application.service import ServiceMaker

chat = ServiceMaker(
    "chatservice",
    "chatservice.tap",
    "A chat server: anybody with nc, telnet or a terminal client is in.",
    "chat",
)
