"""The log at rest: stores that implement interfaces.ILog."""
