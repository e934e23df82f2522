"""Tests with the real twistd and real clients."""
