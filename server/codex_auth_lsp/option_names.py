"""The names of the options that take a value and go before any command."""

from __future__ import annotations

TAKE_A_VALUE = ("--codex-home", "--issuer", "--client-id", "--log-file", "--log-level")
