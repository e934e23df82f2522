"""The terminal client's tests."""
