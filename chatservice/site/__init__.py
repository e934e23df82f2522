"""What a web browser finds: the page, its WebSocket, and the interface for programs over HTTP."""
