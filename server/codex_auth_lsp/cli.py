"""The command line: options, the log, and which part runs; no logic, and nothing heavy.

Exit status: 0 done, 1 not signed in or failed with one line on stderr, 2 usage, 130 stopped by
Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from codex_auth_lsp import __version__
from codex_auth_lsp.config.home import resolve_codex_home
from codex_auth_lsp.config.issuer import resolve_issuer
from codex_auth_lsp.errors import AuthError, ConfigurationInvalid
from codex_auth_lsp.import_path import keep_to_what_is_installed
from codex_auth_lsp.process import (
    ProcessFailed,
    leave,
    leave_no_core_dump,
    prepare_streams,
    run_to_end,
)
from codex_auth_lsp.service.auth_service import ServiceOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAM = "codex-auth-lsp"

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_USAGE_STATUS = 2
_INTERRUPTED_STATUS = 130
_OF_OTHER_SERVERS = ("--node-ipc", "--socket", "--pipe", "--clientProcessId")
_NO_KEY_HERE = (
    "an API key is never given on the command line, where others can see it; use "
    "`printenv OPENAI_API_KEY | codex-auth-lsp login --with-api-key`."
)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process."""
    keep_to_what_is_installed()
    leave_no_core_dump()
    prepare_streams()
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        status = _run(parser, arguments)
        if sys.stdout is not sys.stderr:  # the language server's leads there, read or not
            sys.stdout.flush()
        leave(status)
    except AuthError as error:
        from codex_auth_lsp.terminal.advice import error_line

        leave(1, f"{PROGRAM}: {error_line(error, _typed(arguments))}")
    except ProcessFailed as error:
        leave(1, f"{PROGRAM}: {error}")
    except KeyboardInterrupt:
        leave(_INTERRUPTED_STATUS, f"{PROGRAM}: stopped.")
    except BrokenPipeError:
        leave(1)  # whoever read our output has gone
    except OSError as exc:
        leave(1, f"{PROGRAM}: {exc.strerror}")


class _Parser(argparse.ArgumentParser):
    """Names the mistake first, suggests what was meant, and repeats no value: it may be a key."""

    def error(self, message: str) -> NoReturn:
        mistake = _usage_error(message, self.options())
        self.exit(_USAGE_STATUS, f"{PROGRAM}: {mistake} (usage: `{self.prog} --help`)\n")

    def options(self) -> list[str]:
        """Return the options of this parser and of its commands."""
        found = [option for action in self._actions for option in action.option_strings]
        for action in self._actions:
            for command in action.choices.values() if isinstance(action.choices, dict) else ():
                found += command.options()
        return [option for option in found if option.startswith("--")]


def _usage_error(message: str, known: Sequence[str]) -> str:
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
        if options[0] in {*known, *_OF_OTHER_SERVERS}:
            return f"there is no option {options[0]} here."
        close = get_close_matches(options[0], known, 1)
        hint = f"; did you mean `{close[0]}`?" if close else "."
        return f"there is no such option here{hint}"
    return message.rstrip(".") + "."


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = _Parser(add_help=False)
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
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    login = commands.add_parser("login", parents=[common], help="sign in")
    _add_key_check(login, default=argparse.SUPPRESS)
    way = login.add_mutually_exclusive_group()
    way.add_argument("--browser", action="store_true", help="in the browser (the default)")
    way.add_argument("--device-auth", action="store_true", help="with a code on another device")
    way.add_argument("--with-api-key", action="store_true", help="with an API key from stdin")
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
    doctor = commands.add_parser("doctor", parents=[common], help="examine what sign-in needs")
    doctor.add_argument("--json", action="store_true", help="the findings as JSON")
    doctor.add_argument("--network", action="store_true", help="ask the issuer, too")
    from codex_auth_lsp.sandbox import command as sandbox_command

    sandbox = commands.add_parser("sandbox", help="run an issuer for tests on this computer")
    sandbox_command.add_arguments(sandbox)
    from codex_auth_lsp.conformance import command as check_command

    check = commands.add_parser(
        "check-client", help="play the server to a client, and say what the client does wrong"
    )
    check_command.add_arguments(check)
    commands.add_parser("demo", help="a tour in the terminal: two editors, one sign-in")
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
        choices=_LEVELS,
        default=default or "WARNING",
        help=f"one of {', '.join(_LEVELS)} (default: WARNING)",
    )


def _add_key_check(parser: argparse.ArgumentParser, *, default: bool | str) -> None:
    parser.add_argument(
        "--check-api-key",
        action="store_true",
        default=default,
        help="ask the provider whether it accepts an API key before it is stored",
    )


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.command == "sandbox":
        from codex_auth_lsp.sandbox import command as sandbox_command

        return sandbox_command.run(arguments)
    if arguments.command == "demo":
        from codex_auth_lsp.demo.tour import run_demo

        return run_demo()
    if arguments.command == "check-client":
        from codex_auth_lsp.conformance import command as check_command

        return run_to_end(check_command.run(arguments, _server_usage_trouble))
    options = _service_options(parser, arguments)
    _configure_logging(parser, arguments)
    return _action(arguments)(options)


def _server_usage_trouble(words: Sequence[str]) -> str | None:
    """Return what is wrong with these arguments of a language server, if anything."""
    from contextlib import redirect_stderr
    from io import StringIO

    said = StringIO()
    try:
        with redirect_stderr(said):
            command = build_parser().parse_args(words).command
    except SystemExit:
        return said.getvalue().removeprefix(f"{PROGRAM}: ").strip()
    return None if command is None else f"`{command}` is no language server."


def _action(arguments: argparse.Namespace) -> Callable[[ServiceOptions], int]:
    if arguments.command is None:
        from codex_auth_lsp.transport.serve import serve

        if sys.stdin.isatty():
            sys.stderr.write(
                f"{PROGRAM}: waits for an editor on stdin; `{PROGRAM} --help` has the commands.\n"
            )
        return lambda options: run_to_end(serve(options))
    if arguments.command in {"providers", "credential"}:
        from codex_auth_lsp.terminal import providers

        if arguments.command == "providers":
            return lambda options: providers.list_providers(options, as_json=arguments.json)
        return lambda options: providers.print_headers(
            options, arguments.provider, show=arguments.show
        )
    from codex_auth_lsp.terminal import actions

    if arguments.command == "login":
        return lambda options: actions.login(
            options, device_code=arguments.device_auth, with_api_key=arguments.with_api_key
        )
    if arguments.command == "status":
        return lambda options: actions.status(options, as_json=arguments.json)
    if arguments.command == "doctor":
        return lambda options: actions.doctor(
            options, as_json=arguments.json, network=arguments.network
        )
    return actions.logout


def _service_options(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> ServiceOptions:
    try:
        issuer = resolve_issuer(arguments.issuer, arguments.client_id, os.environ)
    except ConfigurationInvalid as error:
        parser.error(error.message)
    return ServiceOptions(
        home=resolve_codex_home(arguments.codex_home, os.environ),
        issuer=issuer,
        environment=dict(os.environ),
        check_api_keys=arguments.check_api_key,
        typed=_typed(arguments),
        in_shell=arguments.command is not None,
    )


def _typed(arguments: argparse.Namespace) -> str:
    """Return the options that say whose login it is, as they are typed before another command."""
    from shlex import quote

    given = {
        "--codex-home": getattr(arguments, "codex_home", None),
        "--issuer": getattr(arguments, "issuer", None),
        "--client-id": getattr(arguments, "client_id", None),
    }
    return "".join(f" {name} {quote(value)}" for name, value in given.items() if value)


def _configure_logging(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    from codex_auth_lsp.logs import configure_logging

    try:
        configure_logging(arguments.log_level, arguments.log_file)
    except OSError as exc:
        parser.error(f"what --log-file names cannot be opened: {exc.strerror}")
