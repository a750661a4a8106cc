"""The command line's words: every option and command, their help, and what is said of mistakes."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NoReturn

from codex_auth_lsp import __version__
from codex_auth_lsp.server_options import LEVELS, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE_STATUS = 2
_OF_OTHER_SERVERS = ("--node-ipc", "--socket", "--pipe", "--clientProcessId")
_NO_KEY_HERE = (
    "an API key is never given on the command line, where others can see it; use "
    "`printenv OPENAI_API_KEY | codex-auth-lsp login --with-api-key`."
)


class _Parser(argparse.ArgumentParser):
    """Names the mistake first, suggests what was meant, and repeats no value: it may be a key."""

    elsewhere: Sequence[str] = ()
    """The options of the whole command line."""

    def error(self, message: str) -> NoReturn:
        mistake = _usage_error(message, self.options(), self.elsewhere)
        self.exit(_USAGE_STATUS, f"{PROGRAM}: {mistake} (usage: `{self.prog} --help`)\n")

    def options(self) -> list[str]:
        """Return the long options that it takes itself."""
        found = (option for action in self._actions for option in action.option_strings)
        return [option for option in found if option.startswith("--")]


class _Command(_Parser):
    """Tells of what it does not know itself, with its own options and its own help."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown


def _usage_error(message: str, known: Sequence[str], elsewhere: Sequence[str]) -> str:
    from difflib import get_close_matches

    if match := re.match(r"(?:argument )?([^:]*): invalid choice: ", message):
        typed, _, listed = message[match.end() :].rpartition(" (choose from ")
        choices = re.findall(r"[\w-]+", listed)
        meant = get_close_matches(typed.strip("'"), choices, 1)
        hint = f"did you mean `{meant[0]}`?" if meant else f"choose from {', '.join(choices)}."
        return f"{match[1]}: there is no such choice; {hint}"
    if match := re.match(r"argument ([^:]*): ignored explicit argument ", message):
        return _NO_KEY_HERE if "api-key" in match[1] else f"{match[1]} takes no value."
    if message.startswith("ambiguous option: "):
        return f"that may be {message.rpartition(' could match ')[2]}; write it out."
    unknown = message.removeprefix("unrecognized arguments: ")
    if unknown != message:
        if "--api-key" in unknown or "sk-" in unknown:
            return _NO_KEY_HERE
        options = [word.partition("=")[0] for word in unknown.split() if word.startswith("--")]
        if not options:
            return "too many arguments. A name with blanks in it stands in quotes."
        if options[0] in {*known, *elsewhere, *_OF_OTHER_SERVERS}:
            return f"there is no option {options[0]} here."
        close = get_close_matches(options[0], known, 1)
        hint = f"; did you mean `{close[0]}`?" if close else "."
        return f"there is no such option here{hint}"
    return message.rstrip(".") + "."


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = _Command(add_help=False)
    _add_common_options(common, argparse.SUPPRESS)
    parser = _Parser(
        prog=PROGRAM,
        description="Sign-in to OpenAI's Codex for editors. Without a command, the language "
        "server on stdin and stdout.",
    )
    _add_common_options(parser, None)
    _add_key_check(parser, default=False)
    parser.add_argument("--stdio", action="store_true", help="the language server (the default)")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(
        dest="command",
        metavar="COMMAND",
        parser_class=_Command,
        prog=PROGRAM,  # else a text is laid out to find it, which loads what few starts need
    )
    login = commands.add_parser("login", parents=[common], help="sign in")
    _add_key_check(login, default=argparse.SUPPRESS)
    way = login.add_mutually_exclusive_group()
    way.add_argument("--browser", action="store_true", help="in the browser (the default)")
    way.add_argument("--device-auth", action="store_true", help="with a code on another device")
    way.add_argument(
        "--with-api-key", action="store_true", help="with an API key: pasted, or on stdin"
    )
    status = commands.add_parser("status", parents=[common], help="say who is signed in")
    status.add_argument("--json", action="store_true", help="everything that is known, as JSON")
    commands.add_parser("logout", parents=[common], help="sign out and revoke the login")
    providers = commands.add_parser(
        "providers", parents=[common], help="list the model providers and how they authenticate"
    )
    providers.add_argument("--json", action="store_true", help="the same as JSON")
    credential = commands.add_parser(
        "credential", parents=[common], help="print what authenticates a request to a provider"
    )
    credential.add_argument("provider", metavar="PROVIDER", help="its id, such as openai")
    credential.add_argument(
        "--header", action="store_true", required=True, help="as header lines, for scripts"
    )
    credential.add_argument(
        "--show", action="store_true", help="also where a person would read it on the screen"
    )
    credential.add_argument(
        "--renew", action="store_true", help="another one than before, which was refused (HTTP 401)"
    )
    doctor = commands.add_parser("doctor", parents=[common], help="examine what sign-in needs")
    doctor.add_argument("--json", action="store_true", help="the findings as JSON")
    doctor.add_argument(
        "--network", action="store_true", help="ask the issuer and the provider, too"
    )
    from codex_auth_lsp.sandbox import command as sandbox_command

    sandbox = commands.add_parser("sandbox", help="run an issuer for tests on this computer")
    sandbox_command.add_arguments(sandbox)
    from codex_auth_lsp.conformance import command as check_command

    check = commands.add_parser(
        "check-client", help="play the server to a client, and say what the client does wrong"
    )
    check_command.add_arguments(check)
    commands.add_parser("demo", help="a tour in the terminal: two editors, one sign-in")
    parsers = [parser, *commands.choices.values()]
    everything = [option for each in parsers for option in each.options()]
    for each in parsers:
        each.elsewhere = everything
    return parser


def _add_common_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    # After a subcommand an option that is not given must not undo the one before it.
    parser.add_argument(
        "--codex-home",
        metavar="DIR",
        default=default,
        help="the folder of the login (default: CODEX_HOME, else ~/.codex)",
    )
    parser.add_argument(
        "--issuer",
        metavar="URL",
        default=default,
        help="who signs people in: https, or http on a loopback address (default: OpenAI)",
    )
    parser.add_argument(
        "--client-id", metavar="ID", default=default, help="the client id known to that issuer"
    )
    parser.add_argument(
        "--log-file", metavar="PATH", default=default, help="write the log here, not to stderr"
    )
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        type=str.upper,
        choices=LEVELS,
        default=default or "WARNING",
        help=f"one of {', '.join(LEVELS)} (default: WARNING)",
    )


def _add_key_check(parser: argparse.ArgumentParser, *, default: bool | str) -> None:
    parser.add_argument(
        "--check-api-key",
        action="store_true",
        default=default,
        help="ask the provider whether it accepts an API key before it is stored",
    )
