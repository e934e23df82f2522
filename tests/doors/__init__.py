"""The doors' tests."""
