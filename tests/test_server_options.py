"""The plain options of a language server mean the same with and without the parser."""

from __future__ import annotations

import pytest

from codex_auth_lsp.command_line import build_parser
from codex_auth_lsp.server_options import read_server_options

PLAIN = [
    [],
    ["--stdio"],
    ["--codex-home", "a folder"],
    ["--codex-home", ""],
    ["--codex-home", "one", "--codex-home", "two"],
    ["--log-level", "debug", "--log-file", "log.txt", "--stdio"],
    ["--issuer", "https://example.com", "--client-id", "client", "--check-api-key"],
    ["--codex-home", "login"],
]
"""What editors start, and values that look like something else."""

LEFT_TO_THE_PARSER = [
    ["login"],
    ["--codex-home"],
    ["--codex-home", "--stdio"],
    ["--codex-home=folder"],
    ["--codex", "folder"],
    ["--log-level", "loud"],
    ["--help"],
    ["--version"],
    ["--stdio", "--", "status"],
    ["-x"],
    ["--codex-home", "folder", "status", "--json"],
    ["--clientProcessId=12"],
]


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_plain_words_are_read_as_the_parser_reads_them(words):
    """Every option of the server has the same value under the same name."""
    ours = read_server_options(words)
    theirs = vars(build_parser().parse_args(words))

    assert ours is not None
    assert theirs == {name: getattr(ours, name) for name in theirs}


@pytest.mark.parametrize("words", LEFT_TO_THE_PARSER, ids=" ".join)
def test_all_other_words_are_left_to_the_parser(words):
    """Commands, help, short forms and mistakes have one reader alone."""
    assert read_server_options(words) is None


def test_every_option_of_the_server_is_known():
    """A new option of the parser must be one that an editor can give without a slower start."""
    options = [
        option
        for action in build_parser()._actions
        for option in action.option_strings
        if option.startswith("--") and option not in {"--help", "--version"}
    ]
    for option in options:
        given = [[option], [option, "INFO"]]
        assert any(read_server_options(words) is not None for words in given), option
