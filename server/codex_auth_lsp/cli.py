"""The command line: options, the log, and which part runs; no logic, and nothing heavy.

Exit status: 0 done, 1 not signed in or failed with one line on stderr, 2 usage, 130 stopped by
Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from codex_auth_lsp.config.home import resolve_codex_home
from codex_auth_lsp.config.issuer import resolve_issuer
from codex_auth_lsp.early_end import let_interrupts_be_raised
from codex_auth_lsp.errors import AuthError, ConfigurationInvalid
from codex_auth_lsp.import_path import keep_to_what_is_installed
from codex_auth_lsp.process import (
    ProcessFailed,
    collect_garbage,
    leave,
    leave_no_core_dump,
    prepare_streams,
    run_to_end,
)
from codex_auth_lsp.server_options import PROGRAM, read_server_options
from codex_auth_lsp.service.auth_service import ServiceOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    Arguments: TypeAlias = Any  # what a parser found, or ServerOptions: the names are the same

_INTERRUPTED_STATUS = 130


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process."""
    keep_to_what_is_installed()
    leave_no_core_dump()
    prepare_streams()
    words = sys.argv[1:] if argv is None else argv
    arguments = read_server_options(words) or _parse(words)
    try:
        if arguments.command is not None:
            let_interrupts_be_raised()
            collect_garbage()
        status = _run(arguments)
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


def _parse(words: Sequence[str]) -> argparse.Namespace:
    from codex_auth_lsp.command_line import build_parser  # a window's start does without it

    return build_parser().parse_args(words)


def _refuse(message: str) -> NoReturn:
    """End the process with what is wrong with the command line."""
    from codex_auth_lsp.command_line import build_parser

    build_parser().error(message)


def _run(arguments: Arguments) -> int:
    if arguments.command == "sandbox":
        from codex_auth_lsp.sandbox import command as sandbox_command

        return sandbox_command.run(arguments)
    if arguments.command == "demo":
        from codex_auth_lsp.demo.tour import run_demo

        return run_demo()
    if arguments.command == "check-client":
        from codex_auth_lsp.conformance import command as check_command

        return run_to_end(check_command.run(arguments, _server_usage_trouble))
    options = _service_options(arguments)
    _configure_logging(arguments)
    return _action(arguments)(options)


def _server_usage_trouble(words: Sequence[str]) -> str | None:
    """Return what is wrong with these arguments of a language server, if anything."""
    from contextlib import redirect_stderr
    from io import StringIO

    said = StringIO()
    try:
        with redirect_stderr(said):
            command = _parse(words).command
    except SystemExit:
        return said.getvalue().removeprefix(f"{PROGRAM}: ").strip()
    return None if command is None else f"`{command}` is no language server."


def _action(arguments: Arguments) -> Callable[[ServiceOptions], int]:
    if arguments.command is None:
        from codex_auth_lsp.transport.serve import serve

        if sys.stdin.isatty():
            sys.stderr.write(
                f"{PROGRAM}: waits for an editor on stdin; `{PROGRAM} --help` has the commands.\n"
            )
        return serve
    if arguments.command in {"providers", "credential"}:
        from codex_auth_lsp.terminal import providers

        if arguments.command == "providers":
            return lambda options: providers.list_providers(options, as_json=arguments.json)
        return lambda options: providers.print_headers(
            options, arguments.provider, show=arguments.show, renew=arguments.renew
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


def _service_options(arguments: Arguments) -> ServiceOptions:
    try:
        issuer = resolve_issuer(arguments.issuer, arguments.client_id, os.environ)
        home = resolve_codex_home(arguments.codex_home, os.environ)
    except ConfigurationInvalid as error:
        _refuse(error.message)
    return ServiceOptions(
        home=home,
        issuer=issuer,
        environment=dict(os.environ),
        check_api_keys=arguments.check_api_key,
        typed=_typed(arguments),
        in_shell=arguments.command is not None,
    )


def _typed(arguments: Arguments) -> str:
    """Return the options that say whose login it is, as they are typed before another command."""
    from shlex import quote

    given = {
        "--codex-home": getattr(arguments, "codex_home", None),
        "--issuer": getattr(arguments, "issuer", None),
        "--client-id": getattr(arguments, "client_id", None),
    }
    return "".join(f" {name} {quote(value)}" for name, value in given.items() if value)


def _configure_logging(arguments: Arguments) -> None:
    from codex_auth_lsp.logs import configure_logging

    try:
        configure_logging(arguments.log_level, arguments.log_file)
    except OSError as exc:
        _refuse(
            f"what --log-file names cannot be opened: {exc.strerror}; name a file in a folder that "
            "is there and that you may write to"
        )
