"""The tests: unit tests run under trial and pytest, the rest under pytest."""
