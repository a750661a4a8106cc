"""The sandbox's `--host`: any address of this computer's loopback, and no other."""

from __future__ import annotations

import argparse

import pytest

from codex_auth_lsp.sandbox import command


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "127.0.0.1"),
        (("--host", "127.0.0.2"), "127.0.0.2"),
        (("--host", "localhost"), "127.0.0.1"),
        (("--host", "::1"), "::1"),
    ],
)
def test_loopback_address_is_where_the_sandbox_listens(
    words: tuple[str, ...], expected: str
) -> None:
    """A loopback address is taken as it is, and localhost is the IPv4 one."""
    assert parse(*words).host == expected


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_other_address_is_refused_as_usage(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody can offer the sandbox to a network: status 2 and one clear line."""
    with pytest.raises(SystemExit) as ended:
        parse("--host", host)
    assert ended.value.code == 2
    assert "the sandbox listens on loopback only" in capsys.readouterr().err
