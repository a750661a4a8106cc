"""The wire: LSP framing on stdin and stdout, JSON-RPC 2.0, and pygls, which lives here alone."""
