"""The tests: unit tests run under trial and pytest, the rest under pytest."""

from hypothesis import settings

settings.register_profile("chat", deadline=None, database=None)
settings.load_profile("chat")  # no time: on a busy machine any example may take long
