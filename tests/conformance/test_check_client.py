"""`check-client` with real client programs: right ones pass, a planted mistake is named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.conformance.scenarios import SCENARIOS
from conformance.programs import write_programs
from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 60.0
"""Seconds that a check may take: a ceiling against hangs."""

PATIENT, SHORT = 20, 1.0
"""Seconds that the checker waits where a client is right, and where it never does a thing."""

CHECKER = [sys.executable, "-I", "-m", "codex_auth_lsp", "check-client"]


@dataclass(frozen=True)
class Outcome:
    """What the checker has said."""

    status: int
    scenarios: list[dict[str, Any]]
    text: str

    @property
    def mistakes(self) -> list[str]:
        return [sentence for one in self.scenarios for sentence in one["mistakes"]]

    @property
    def advice(self) -> list[str]:
        return [sentence for one in self.scenarios for sentence in one["advice"]]


def check(tmp_path: Path, command: list[str | Path], *options: str, seconds: float) -> Outcome:
    """Check a client."""
    done = subprocess.run(
        [*CHECKER, "--json", "--seconds", str(seconds), *options, "--", *command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
        env=clean_environment(tmp_path),
    )
    scenarios = json.loads(done.stdout)["scenarios"] if done.stdout else []
    return Outcome(done.returncode, scenarios, done.stderr)


def check_changed(tmp_path: Path, scenario: str, changes: dict[str, str]) -> Outcome:
    """Check the client of `protocol.md` in one scenario, with these texts of it replaced."""
    script = write_programs(tmp_path, changes)
    return check(tmp_path, [sys.executable, script], "--scenario", scenario, seconds=SHORT)


def test_the_client_of_the_specification_makes_no_mistake(tmp_path: Path):
    """Every scenario passes, without advice."""
    outcome = check(tmp_path, [sys.executable, write_programs(tmp_path, {})], seconds=PATIENT)

    assert outcome.mistakes == []
    assert outcome.advice == []
    assert {one["name"]: one["outcome"] for one in outcome.scenarios} == {
        scenario.name: "ok" for scenario in SCENARIOS
    }
    assert outcome.status == 0


OWN_LOGIN = 'wait(ask("auth/login", {"method": "browser"}))'
COMMAND_LOGIN = (
    'ask("workspace/executeCommand", {"command": "codexAuth.signIn"})\n'
    '        while receive() != "window/showMessage": pass'
)
WITHOUT_AUTH = {
    '{"experimental": {"auth": {"protocolVersion": 1, "loginPrompt": True}}}': (
        '{"window": {"showDocument": {"support": True}}}'
    ),
    '    elif "id" in message:': (
        '    elif method == "window/showDocument":\n'
        '        webbrowser.open(params["uri"])\n'
        '        write({"id": message["id"], "result": {"success": True}})\n'
        '    elif "id" in message:'
    ),
    f"        {OWN_LOGIN}\nleave()": f"        {COMMAND_LOGIN}\nleave()",
    'wait(ask("auth/logout", {}))': (
        'wait(ask("workspace/executeCommand", {"command": "codexAuth.signOut"}))'
    ),
    'wait(ask("auth/login", {"method": "deviceCode"}))': (
        'wait(ask("workspace/executeCommand", {"command": "codexAuth.signInWithDeviceCode"}))\n'
        '        while receive() != "window/showMessage": pass\n'
        '        while receive() != "window/showMessage": pass'
    ),
    'while receive() != "auth/loginPrompt": pass': (
        'while receive() != "window/showDocument": pass'
    ),
    'login = ask("auth/login", {"method": "browser"})': (
        'ask("workspace/executeCommand", {"command": "codexAuth.signIn"})'
    ),
    'write({"method": "$/cancelRequest", "params": {"id": login}})\n        wait(login)': (
        'wait(ask("workspace/executeCommand", {"command": "codexAuth.cancel"}))'
    ),
    'until("signedOut")': 'wait(ask("auth/status", {}))',
    'until("needsReauth")': 'wait(ask("auth/status", {}))',
}  # fmt: skip


def test_a_client_with_commands_alone_makes_no_mistake(tmp_path: Path):
    """It sends no `experimental.auth`; what it cannot hear of is skipped, and it is told so."""
    script = write_programs(tmp_path, WITHOUT_AUTH)

    outcome = check(tmp_path, [sys.executable, script], seconds=PATIENT)

    skipped = {"outside-logout", "needs-sign-in-again", "unknown-values"}
    assert outcome.mistakes == []
    assert {one["name"]: one["outcome"] for one in outcome.scenarios} == {
        scenario.name: "skipped" if scenario.name in skipped else "ok" for scenario in SCENARIOS
    }
    assert "hears of no change" in outcome.advice[0]
    assert outcome.status == 0


OPENS = 'if params["kind"] == "openUrl": webbrowser.open(params["url"])'
CANCEL = 'write({"method": "$/cancelRequest", "params": {"id": login}})\n        wait(login)'
LATE = '        import webbrowser; webbrowser.open(status["page"])'


def test_a_browser_that_comes_up_after_the_cancellation_is_no_mistake(tmp_path: Path):
    """A program that opens pages takes its time, and the client cannot call it back."""
    late = {
        OPENS: 'status["page"] = params["url"]',
        CANCEL: f"{CANCEL}\n{LATE}",
        "status.clear(), ": "",
    }

    outcome = check_changed(tmp_path, "cancel", late)

    assert outcome.mistakes == []
    assert outcome.status == 0


PLANTED = {
    "initialized is not sent": (
        "sign-in",
        {'    write({"method": "initialized", "params": {}})\n': ""},
        "`auth/login` was sent before the notification `initialized`",
    ),
    "another method than the person's": (
        "sign-in",
        {OWN_LOGIN: 'wait(ask("auth/login", {"method": "deviceCode"}))'},
        "The client signed in with method `deviceCode`, where the person wants `browser`.",
    ),
    "bare line feeds": (
        "sign-in",
        {r"\r\n\r\n%s": r"\n\n%s"},
        "no frame of LSP's base protocol: a header line does not end in CR LF.",
    ),
    "a page that is not opened": (
        "sign-in",
        {'webbrowser.open(params["url"])': "pass"},
        "The client has not opened the page that `auth/loginPrompt` named within 1 seconds.",
    ),
    "a page that is opened with another address": (
        "sign-in",
        {'webbrowser.open(params["url"])': 'webbrowser.open(params["url"].partition("&")[0])'},
        "The client opened another address than the one that it was given.",
    ),
    "a sign-in that the client gives up": (
        "sign-in",
        {OWN_LOGIN: 'wait(ask("auth/cancelLogin", {}))', 'case _:\n':
         'case _:\n        ask("auth/login", {"method": "browser"})\n'},
        "The client ended the sign-in by itself; it takes as long as the person takes.",
    ),
    "no shutdown": (
        "sign-in",
        {'    wait(ask("shutdown", None))\n': ""},
        "The client sent `exit` without the request `shutdown`",
    ),
    "a program that fails": (
        "sign-in",
        {"leave()": "leave(), exit(7)", "def leave(), exit(7):": "def leave():"},
        "The client's program ended with status 7.",
    ),
    "a second server": (
        "sign-in",
        {"def write": 'subprocess.Popen(["codex-auth-lsp"], stdin=-1)\ndef write'},
        "The client started the server a second time",
    ),
    "an option that the server does not have": (
        "sign-in",
        {'["codex-auth-lsp"]': '["codex-auth-lsp", "--node-ipc"]'},
        "The server does not start with these arguments: there is no option --node-ipc here.",
    ),
    "a device page that opens by itself": (
        "device-code",
        {'if params["kind"] == "openUrl": ': ""},
        "The client opened a page by itself, which the person had not asked for here.",
    ),
    "a page that is opened again after the end": (
        "cancel",
        {OPENS: f'{OPENS}; status["page"] = params["url"]', CANCEL: f"{CANCEL}\n{LATE}",
         "status.clear(), ": ""},
        "The client opened the sign-in page again after the sign-in had ended",
    ),
    "a credential that was not agreed on": (
        "sign-in",
        {OWN_LOGIN: f'{OWN_LOGIN}; wait(ask("auth/credential", {{}}))'},
        "`auth/credential` was sent, and `experimental.auth.credential` was not declared",
    ),
    "initialized without the answer to initialize": (
        "sign-in",
        {'wait(ask("initialize",': 'hello = (ask("initialize",',
         '    write({"method": "initialized", "params": {}})\n':
         '    write({"method": "initialized", "params": {}})\n    wait(hello)\n'},
        "`initialized` was sent before the answer to `initialize` had come",
    ),
    "a cancellation that is not sent": (
        "cancel",
        {'write({"method": "$/cancelRequest", "params": {"id": login}})': "pass"},
        "The client has not cancelled: `$/cancelRequest` with the id of `auth/login`",
    ),
    "a cancellation of another request": (
        "cancel",
        {'"params": {"id": login}': '"params": {"id": login - 1}'},
        "`$/cancelRequest` did not name the `id` of the `auth/login` that ran.",
    ),
    "a cancellation of another attempt": (
        "cancel",
        {'write({"method": "$/cancelRequest", "params": {"id": login}})':
         'ask("auth/cancelLogin", {"attemptId": "another"})'},
        "`auth/cancelLogin` named another `attemptId` than that of `auth/login`.",
    ),
    "a client that leaves instead of cancelling": (
        "cancel",
        {'write({"method": "$/cancelRequest", "params": {"id": login}})': "leave()"},
        "The client left before it had cancelled",
    ),
    "a status that is polled": (
        "outside-logout",
        {'until("signedOut")':
         'while wait(ask("auth/status", {}))["result"]["state"] != "signedOut": pass'},
        "`auth/status` was asked again and again; `auth/statusChanged` tells of every change.",
    ),
    "an older status that is believed": (
        "outside-logout",
        {'if params["status"]["revision"] > status.get("revision", -1):': "if True:"},
        "The client quit when it was told of an older status",
    ),
    "a logout that is not noticed": (
        "outside-logout",
        {'elif method == "auth/statusChanged":': 'elif method == "auth/statusChange":'},
        "The client has not quit",
    ),
    "a client that signs out as well": (
        "outside-logout",
        {'until("signedOut")': 'until("signedOut")\n        wait(ask("auth/logout", {}))'},
        "The client signed out (`auth/logout`), and nobody had asked for that.",
    ),
    "a client that tries again by itself": (
        "server-error",
        {OWN_LOGIN: f"{OWN_LOGIN}, {OWN_LOGIN}"},
        "The client began a sign-in (`auth/login`) that nobody had asked for.",
    ),
    "a later server's fields that are not borne": (
        "unknown-values",
        {'if method is None:': 'assert "somethingNew" not in (params or {})\n'
         '    if method is None:'},
        "The client's program ended with status 1.",
    ),
    "a request that is not answered": (
        "unknown-values",
        {'write({"id": message["id"], "error": {"code": -32601, "message": "Not known here."}})':
         "pass"},
        "The client has not answered a request that it does not know within 1 second",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("scenario", "changes", "sentence"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_is_named(tmp_path: Path, scenario: str, changes, sentence: str):
    """In plain words, and the check fails."""
    outcome = check_changed(tmp_path, scenario, changes)

    assert [one for one in outcome.mistakes if sentence in one] != [], outcome.mistakes
    assert outcome.status == 1


ANSWERS = {
    "-32800": ("cancel", {CANCEL: CANCEL.replace("wait(login)", "tell(login)")},
        {"code": -32800, "message": "The request was cancelled."}),
    "loginCancelled": (
        "cancel",
        {CANCEL: 'ask("auth/cancelLogin", {})\n        tell(login)',
         'login = ask("auth/login", {"method": "browser"': 'login = ask("auth/login", '
         '{"attemptId": "mine", "method": "browser"'},
        {
            "code": -32802,
            "message": "The sign-in was cancelled.",
            "data": {
                "kind": "loginCancelled",
                "retryable": False,
                "attemptId": "mine",
                "remediation": [{"title": "Sign in again", "command": "codexAuth.signIn"}],
            },
        },
    ),
    "alreadyFinished": (
        "cancel",
        {CANCEL: 'wait(ask("auth/cancelLogin", {"attemptId": "mine"})), wait(login)\n'
         '        tell(ask("auth/cancelLogin", {"attemptId": "mine"}))',
         'login = ask("auth/login", {"method": "browser"': 'login = ask("auth/login", '
         '{"attemptId": "mine", "method": "browser"'},
        {"outcome": "alreadyFinished"},
    ),
    "notFound": (
        "sign-out",
        {'wait(ask("auth/logout", {}))': 'tell(ask("auth/cancelLogin", {}))\n'
         '        wait(ask("auth/logout", {}))'},
        {"outcome": "notFound"},
    ),
    "providerUnknown": (
        "sign-out",
        {'{"protocolVersion": 1, "loginPrompt": True}':
         '{"protocolVersion": 1, "loginPrompt": True, "credential": True}',
         'wait(ask("auth/logout", {}))': 'tell(ask("auth/credential", {"providerId": "other"}))\n'
         '        wait(ask("auth/logout", {}))'},
        {
            "code": -32803,
            "message": "There is no such model provider; name another one.",
            "data": {
                "kind": "providerUnknown",
                "retryable": False,
                "providerId": "other",
                "remediation": [],
            },
        },
    ),
    "notSignedIn": (
        "sign-out",
        {'wait(ask("auth/logout", {}))': 'wait(ask("auth/logout", {}))\n'
         '        tell(ask("auth/refresh", {}))'},
        {
            "code": -32803,
            "message": "Nobody is signed in.",
            "data": {
                "kind": "notSignedIn",
                "retryable": False,
                "remediation": [{"title": "Sign in", "command": "codexAuth.signIn"}],
            },
        },
    ),
    "attemptNotFound": (
        "sign-out",
        {'wait(ask("auth/logout", {}))': 'tell(ask("auth/reopenBrowser", {}))\n'
         '        wait(ask("auth/logout", {}))'},
        {
            "code": -32803,
            "message": "No sign-in is waiting for this any more; sign in again.",
            "data": {
                "kind": "attemptNotFound",
                "retryable": False,
                "remediation": [{"title": "Sign in again", "command": "codexAuth.signIn"}],
            },
        },
    ),
}  # fmt: skip

TELL = (
    "def tell(id):\n"
    "    import json\n"
    "    answer = wait(id)\n"
    '    print("SAID", json.dumps(answer.get("result", answer.get("error"))), flush=True)\n\n'
)
"""Has the client show an answer."""


@pytest.mark.parametrize(("scenario", "changes", "said"), ANSWERS.values(), ids=ANSWERS.keys())
def test_the_played_server_answers_as_the_real_one(tmp_path: Path, scenario: str, changes, said):
    """With the same codes, words and data, and nothing is blamed."""
    outcome = check_changed(
        tmp_path, scenario, {**changes, "start()\nmatch": f"{TELL}start()\nmatch"}
    )

    (line,) = re.findall(r"^SAID (.*)$", outcome.text, re.MULTILINE)
    assert json.loads(line) == said
    assert outcome.mistakes == []


HARMLESS = {
    "a cancellation twice": (
        "cancel",
        {CANCEL: 'cancel = {"attemptId": "mine"}\n'
         '        first = ask("auth/cancelLogin", cancel)\n'
         '        wait(ask("auth/cancelLogin", cancel))\n        wait(login)',
         'login = ask("auth/login", {"method": "browser"': 'login = ask("auth/login", '
         '{"attemptId": "mine", "method": "browser"'},
    ),
    "a cancellation in both ways": (
        "cancel",
        {CANCEL: f'{CANCEL}; wait(ask("auth/cancelLogin", {{}}))'},
    ),
    "a cancellation of nothing before the end": (
        "sign-in",
        {OWN_LOGIN: f'{OWN_LOGIN}; wait(ask("auth/cancelLogin", {{}}))'},
    ),
    "a cancellation of another request": (
        "sign-in",
        {"start()\nmatch": "start()\n"
         'write({"method": "$/cancelRequest", "params": {"id": ask("auth/methods", {})}})\nmatch'},
    ),
    "a page that is asked for again": (
        "sign-in",
        {f"        {OWN_LOGIN}\nleave()":
         '        login = ask("auth/login", {"method": "browser"})\n'
         '        while receive() != "auth/loginPrompt": pass\n'
         '        wait(ask("auth/reopenBrowser", {})), wait(login)\nleave()'},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("scenario", "changes"), HARMLESS.values(), ids=HARMLESS.keys())
def test_what_does_no_harm_is_not_blamed(tmp_path: Path, scenario: str, changes):
    """Clicks that come twice or too late, and a clean-up of what may run."""
    outcome = check_changed(tmp_path, scenario, changes)

    assert outcome.mistakes == []
    assert outcome.advice == []
    assert outcome.status == 0


ADVISED = {
    "a page that is opened twice": (
        {OPENS: f'{OPENS}, webbrowser.open(params["url"])'},
        "The page of one prompt was opened more than once",
    ),
    "an address that is pasted": (
        {f"        {OWN_LOGIN}\nleave()":
         '        login = ask("auth/login", {"method": "browser"})\n'
         '        while receive() != "auth/loginPrompt": pass\n'
         '        wait(ask("auth/submitCallback", {"url": "http://127.0.0.1/"})), wait(login)\n'
         "leave()"},
        "The client sent `auth/submitCallback`; that is right where the person pasted",
    ),
    "no exit": (
        {'    write({"method": "exit"})\n': ""},
        "`exit` did not follow `shutdown`; this server also takes the end of its input for it",
    ),
    "a field that does not exist": (
        {'{"method": "browser"}': '{"method": "browser", "attemptID": "one"}'},
        "`auth/login` has no field `attemptID`, it is ignored; `attemptId` may be meant.",
    ),
    "no process id": (
        {'"processId": os.getpid(), ': ""},
        "`initialize` named no `processId`; LSP wants it, or null.",
    ),
    "a person who gets text": (
        {'"protocolVersion": 1, "loginPrompt": True': '"protocolVersion": 1',
         "        " + OWN_LOGIN + "\nleave()":
         '        login = ask("auth/login", {"method": "browser"})\n'
         '        while receive() != "window/showMessage": pass\n'
         "        wait(login)\nleave()"},
        "the person gets the address of the sign-in page as text.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), ADVISED.values(), ids=ADVISED.keys())
def test_what_could_be_better_is_told_and_fails_nothing(tmp_path: Path, changes, sentence: str):
    """Advice is no mistake."""
    outcome = check_changed(tmp_path, "sign-in", changes)

    assert outcome.mistakes == []
    assert [one for one in outcome.advice if sentence in one] != [], outcome.advice
    assert outcome.status == 0


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("pass", "The client's program has ended, and had not started the server; that is"),
        ("import time; time.sleep(30)", "After 1 seconds the client had not started the server"),
    ],
    ids=["ends", "waits"],
)
def test_a_client_that_starts_no_server_is_told_which_one_it_is(tmp_path: Path, program, sentence):
    """The PATH and the variable are both named."""
    command = [sys.executable, "-c", program]

    outcome = check(tmp_path, command, "--scenario", "sign-in", seconds=SHORT)

    (mistake,) = outcome.mistakes
    assert mistake.startswith(sentence)
    assert "CODEX_AUTH_CHECK_SERVER" in mistake
    assert outcome.status == 1


def test_a_person_reads_what_to_do_and_how_it_went(tmp_path: Path):
    """Without `--json` everything stands in the terminal, the task before the client starts."""
    script = write_programs(tmp_path, {'    wait(ask("shutdown", None))\n': ""})
    done = subprocess.run(
        [*CHECKER, "--seconds", str(SHORT), "--scenario", "sign-out", "--", sys.executable, script],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=clean_environment(tmp_path),
    )

    assert done.stdout == ""
    assert done.stderr.strip().splitlines() == [
        "sign-out: Sign out, and quit when nobody is signed in.",
        "  WRONG  The client sent `exit` without the request `shutdown`; the server then ends with "
        "status 1.",
        "",
        "1 scenario, mistakes in sign-out.",
    ]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["--", "no-such-program"], 1, "no-such-program cannot be started: No such file"),
        (["--scenario", "sing-in", "--", "true"], 2, "there is no scenario sing-in; choose from"),
        (["--seconds", "0", "--", "true"], 2, "give a number of seconds"),
        ([], 2, "the following arguments are required: COMMAND."),
    ],
    ids=["program", "scenario", "seconds", "nothing"],
)
def test_wrong_usage_is_one_line(tmp_path: Path, words, status, line):
    """What was meant is easy to see."""
    done = subprocess.run(
        [*CHECKER, *words],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=clean_environment(tmp_path),
    )

    assert line in done.stderr.splitlines()[-1]
    assert done.returncode == status
