"""chat-admin, command by command."""
