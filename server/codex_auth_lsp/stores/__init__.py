"""Where credentials rest: the login cache that is shared with the Codex CLI.

A store reads, writes and removes; it knows nothing of refresh, of logins or of JSON-RPC.
"""
