"""How fast the chat is, measured beside others: ``python -m benchmarks``; docs/performance.md."""
