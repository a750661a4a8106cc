"""codex-auth-lsp: sign-in for editors, over the Language Server Protocol's framing.

Importing this package loads nothing else, and puts off what of the standard library takes long to
load and no first status needs; see `cli` for the program and `protocol.md` for the wire.
"""

from codex_auth_lsp.deferred import defer

__version__ = "0.1.0"

for _name in (
    *("asyncio", "asyncio.sslproto", "hashlib", "hmac", "inspect"),
    *("ipaddress", "secrets", "socket", "ssl", "subprocess", "traceback"),
):
    defer(_name)
