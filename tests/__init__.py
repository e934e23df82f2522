"""The tests: unit tests run under trial and pytest, the rest under pytest."""

import os

from hypothesis import settings

# No time: on a busy machine any example may take long. And fewer where all was tried before.
settings.register_profile("chat", deadline=None, database=None)
settings.register_profile("few", settings.get_profile("chat"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "chat"))


def examples(count: int) -> int:
    """Return how many examples to try of something where a property usually has 100."""
    return max(1, count * settings().max_examples // 100)
