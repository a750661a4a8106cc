"""A small strict HTTP/1.1 server (RFC 9110, RFC 9112) whose requests h11 reads.

Promises: one request per connection; heads, bodies, connections and waits are bounded; what is
not plain HTTP/1.x with a target in origin form gets a 400 and the end of the connection; the log
never shows what was sent. It does not judge Host, path or method (handlers do), keeps nothing
alive, and speaks neither TLS nor HTTP/2.
"""

from __future__ import annotations

from codex_auth_lsp.http1.connection import Limits
from codex_auth_lsp.http1.message import Request, Response
from codex_auth_lsp.http1.server import DropConnectionError, HttpServer

__all__ = ["DropConnectionError", "HttpServer", "Limits", "Request", "Response"]
