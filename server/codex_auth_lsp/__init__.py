"""codex-auth-lsp: sign-in for editors, over the Language Server Protocol's framing.

Importing this package loads nothing else; see `cli` for the program and `protocol.md` for the wire.
"""

__version__ = "0.1.0"
