"""What `login`, `status`, `logout` and `doctor` do; each returns the exit status.

What a person asked for goes to stdout, the way there and what went wrong to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.links import API_KEYS, API_PRICING
from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.errors import (
    SIGN_IN,
    AuthError,
    ConfigurationInvalid,
    LoginMethodNotAllowed,
    StoreLocked,
    StoreUnavailable,
)
from codex_auth_lsp.process import run_to_end
from codex_auth_lsp.service.attempt import LoginRequest
from codex_auth_lsp.service.auth_service import AuthService
from codex_auth_lsp.terminal.key_entry import piped_key, typed_key
from codex_auth_lsp.terminal.mending import mend
from codex_auth_lsp.terminal.next_step import OTHER_STORE
from codex_auth_lsp.terminal.notices import show_notice
from codex_auth_lsp.terminal.prompts import TerminalPrompts
from codex_auth_lsp.terminal.remarks import Remarks
from codex_auth_lsp.terminal.report import describe, describe_checks
from codex_auth_lsp.terminal.screen import remark, tell
from codex_auth_lsp.terminal.unseen import UnseenLines
from codex_auth_lsp.terminal.ways import keeps_logins, lasting, suit, ways_after, ways_here
from codex_auth_lsp.wording import login_sentence, logout_sentence, names_nothing, status_sentence

if TYPE_CHECKING:
    from codex_auth_lsp.doctor import Check
    from codex_auth_lsp.service.attempt import Attempt
    from codex_auth_lsp.service.auth_service import ServiceOptions

_DEVICE_CODE_SECONDS = 900  # for as long as OpenAI's codes are good
_SIGNED_IN = frozenset({"signedIn", "notRequired"})


def login(options: ServiceOptions, *, device_code: bool, with_api_key: bool) -> int:
    """Sign in; 0 when somebody is signed in at the end."""
    if with_api_key:
        request = LoginRequest(LoginMethodId.API_KEY, api_key=piped_key())
    else:
        request = (
            LoginRequest(LoginMethodId.DEVICE_CODE, seconds=_DEVICE_CODE_SECONDS)
            if device_code
            else LoginRequest(LoginMethodId.BROWSER)
        )
    typed_lines = UnseenLines(sys.stdin)
    try:
        return run_to_end(_login(options, request, typed_lines))
    except KeyboardInterrupt:
        remark("\nThe sign-in was cancelled; nothing has changed.\n")
        raise
    finally:
        typed_lines.restore()  # a second Ctrl-C leaves no time for order


def status(options: ServiceOptions, *, as_json: bool) -> int:
    """Say who is signed in; 0 when somebody is or nobody has to be, and a provider is there."""
    current, text = run_to_end(_status(options))
    tell(json.dumps(current, indent=2) + "\n" if as_json else text)
    if current["state"] in _SIGNED_IN and not names_nothing(current):
        return 0
    if as_json or not _read_together():
        remark(f"codex-auth-lsp: {status_sentence(current)}\n")
    return 1


def doctor(options: ServiceOptions, *, as_json: bool, network: bool) -> int:
    """Examine all that sign-in depends on; 0 when no check found an error."""
    from codex_auth_lsp.doctor import Health

    checks, ways = run_to_end(_examine(options, network=network))
    report = {"checks": [check.to_wire() for check in checks]}
    text = describe_checks(checks, ways, options.typed)
    tell(json.dumps(report, indent=2) + "\n" if as_json else text)
    errors = [check for check in checks if check.health is Health.ERROR]
    if errors:
        # What one remedy mends, such as a closed folder, is one error.
        number = len({check.remediation or check.summary for check in errors})
        found = "one error was found" if number == 1 else f"{number} errors were found, the first"
        remark(f"codex-auth-lsp: {found}: {errors[0].summary}\n")
    return 1 if errors else 0


async def _examine(options: ServiceOptions, *, network: bool) -> tuple[list[Check], list[str]]:
    from codex_auth_lsp.doctor import examine

    service = AuthService(options)
    try:
        checks = await examine(service, network=network)
        if not keeps_logins(service):
            checks = [replace(c, remediation=lasting(c.remediation)) for c in checks]
        return checks, ways_here(service)
    finally:
        await service.close(hurried=True)


def logout(options: ServiceOptions) -> int:
    """Sign out; 0 also when nobody was signed in, 1 when the login is still in the file."""
    return run_to_end(_logout(options))


def _read_together() -> bool:
    """Say whether stdout and stderr end in one place, where a sentence is needed once."""
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno()))
    except OSError:
        return False


async def _status(options: ServiceOptions) -> tuple[dict[str, Any], str]:
    service = AuthService(options)
    await service.sync()
    current = service.status()
    notices = service.view.snapshot.report.notices
    return current, describe(
        current,
        ways_here(service),
        now=service.now(),
        notices=notices,
        typed=options.typed,
        mend=mend(current, options),
    )


async def _login(options: ServiceOptions, request: LoginRequest, typed_lines: UnseenLines) -> int:
    service = AuthService(options)
    _refuse_what_would_not_last(service)
    if request.method is LoginMethodId.API_KEY and request.api_key is None:
        request = replace(request, api_key=await typed_key(typed_lines, options.typed))
    service.events.subscribe(show_notice)
    service.events.subscribe(Remarks(options.issuer).on_event)
    try:
        prompts = TerminalPrompts(
            options.environment, service.clock, typed_lines, service.logins.submit_callback
        )
        current = await _outcome(service, await _begin(service, request, prompts))
        service.notices.tell_standing()
    finally:
        await service.close(hurried=False)
    tell(login_sentence(current) + "\n")
    told = {notice.message for notice in service.view.snapshot.report.notices}
    if (detail := current["store"].get("detail")) and detail not in told:
        tell(f"{detail}\n")
    if request.method is LoginMethodId.API_KEY:
        if not options.check_api_keys:
            tell(
                "Nobody has asked the provider whether it accepts the key; --check-api-key asks.\n"
            )
        tell(f"{API_KEYS.title}: {API_KEYS.url}\n")
        tell(f"{API_PRICING.title}: {API_PRICING.url}\n")
    return 0


def _refuse_what_would_not_last(service: AuthService) -> None:
    """Refuse a sign-in whose login would end with this process.

    Raises:
        StoreUnavailable: The configuration says so.
    """
    if not keeps_logins(service):
        raise StoreUnavailable(
            "Logins are kept in the memory of one program, so a sign-in here would end with this "
            'command; set cli_auth_credentials_store to "file", "keyring" or "auto" in config.toml.'
        )


async def _begin(service: AuthService, request: LoginRequest, prompts: TerminalPrompts) -> Attempt:
    try:
        return await service.logins.begin(request, prompts)
    except ConfigurationInvalid as error:
        error.message += " Mend it; until then no sign-in begins."
        raise
    except LoginMethodNotAllowed as error:
        error.remediation = suit((SIGN_IN,), ways_after(error, request.method, ways_here(service)))
        raise


async def _outcome(service: AuthService, attempt: Attempt) -> dict[str, Any]:
    """Return the status once somebody is signed in.

    Raises:
        AuthError: Nobody is; it says so where an older login is still there.
    """
    try:
        return await service.logins.wait(attempt)
    except AuthError as error:
        is_for_keyring = service.view.settings.store_mode == "keyring"
        if is_for_keyring and isinstance(error, StoreUnavailable | StoreLocked):
            error.message += f" Without a desktop, {OTHER_STORE}."
        if service.view.snapshot.credential is not None:
            error.message += " Nothing has changed: the login is as it was."
        ways = ways_after(error, attempt.request.method, ways_here(service))
        error.remediation = suit(error.remediation, ways)
        raise


async def _logout(options: ServiceOptions) -> int:
    service = AuthService(options)
    try:
        done = await service.logout()
    finally:
        await service.close(hurried=False)
    is_left = any(place.store == "file" for place in done.remaining)
    text = logout_sentence(done.to_wire(), unread=done.unread)
    (remark if is_left else tell)(f"{text}\n")
    return int(is_left)
