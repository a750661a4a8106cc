"""`protocol.md` says what the code does: names, fields, values, errors and examples, both ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from wire.specification import drift

PROTOCOL = Path(__file__).parents[1] / "protocol.md"


@pytest.fixture(scope="module")
def text() -> str:
    """Return the specification."""
    return PROTOCOL.read_text(encoding="utf-8")


def test_the_specification_and_the_code_agree(text):
    """Nothing is described that does not exist, and nothing exists that is not described."""
    assert drift(text) == []


EMAIL_FIELD = "  /** The email address. */\n  email?: string;\n"

DRIFTS = {
    "a field that went": (
        EMAIL_FIELD,
        "",
        "field Account email: in the code, not in the text",
    ),
    "a field that came": (
        EMAIL_FIELD,
        f"{EMAIL_FIELD}  /** The phone. */\n  phone?: string;\n",
        "field Account phone: in the text, not in the code",
    ),
    "a field of another type": (
        "  revoke?: boolean;",
        "  revoke?: string;",
        "field LogoutParams.revoke: is string in the text and boolean in the code",
    ),
    "a field that became required": (
        "  email?: string;",
        "  email: string;",
        "field Account.email: is optional on one side only",
    ),
    "a field without a comment": (
        EMAIL_FIELD,
        "  email?: string;\n",
        "field Account.email: is not explained",
    ),
    "another default": (
        "Default: `600`",
        "Default: `60`",
        "field LoginParams.timeoutSeconds: its default is 600 in the code",
    ),
    "a secret that is not called one": (
        "SECRET. The page to open",
        "The page to open",
        "field LoginPromptParams.url: is a secret on one side only",
    ),
    "a secret that the security considerations leave out": (
        "| `auth/loginPrompt` params | `url`, `completeUrl`, `userCode` |",
        "| `auth/loginPrompt` params | `url`, `userCode` |",
        "secret auth/loginPrompt params.completeUrl: in the code, not in the text",
    ),
    "a declaration that is not TypeScript": (
        "interface StatusParams {}",
        "interface StatusParams {}\nwhatever",
        "TypeScript that cannot be read: whatever",
    ),
    "another base": (
        "interface AuthError extends ErrorData {",
        "interface AuthError {",
        "interface AuthError: extends None, not ErrorData",
    ),
    "an interface of another name": (
        "interface RemainingLogin {",
        "interface LeftoverLogin {",
        "interface LeftoverLogin: in the text, not in the code",
    ),
    "a value that went": (
        '  /** It was ended on request, or by the end of the server. */\n  | "cancelled"\n',
        "",
        "value of LoginOutcome cancelled: in the code, not in the text",
    ),
    "a value that came": (
        '  /** The memory of each process. */\n  | "ephemeral";',
        '  /** The memory of each process. */\n  | "ephemeral"\n  /** A drawer. */\n  | "drawer";',
        "value of StoreMode drawer: in the text, not in the code",
    ),
    "a request that came": (
        "### `auth/methods`\n",
        "### `auth/teleport`\n",
        "request auth/teleport: in the text, not in the code",
    ),
    "a notification that went": (
        "### `auth/loginProgress`\n",
        "### Progress\n",
        "notification auth/loginProgress: in the code, not in the text",
    ),
    "a method that is only mentioned": (
        "A second 401 is final.",
        "A second 401 is final, see `auth/teleport`.",
        "method auth/teleport: in the text, not in the code",
    ),
    "a part of a section that went": (
        "**Errors.** `storeUnavailable`",
        "`storeUnavailable`",
        "auth/logout: its parts are",
    ),
    "an error of a request that does not exist": (
        "- `providerUnknown`: there is no such",
        "- `providerUnheardOf`: there is no such",
        "auth/credential: lists the error providerUnheardOf",
    ),
    "an error that no request lists": (
        "- `apiKeyInvalid`: method `apiKey`.\n",
        "",
        "error kind apiKeyInvalid: no request lists it",
    ),
    "an error kind that went": (
        "| `shuttingDown` | the server ends | none | no |\n",
        "",
        "error kind shuttingDown: in the code, not in the text",
    ),
    "an error that became retryable": (
        "| the disk refused the write | Show the log | yes |",
        "| the disk refused the write | Show the log | no |",
        "error kind storeWriteFailed: retryable is True",
    ),
    "another remedy": (
        "| nothing is stored that could be used | Sign in | no |",
        "| nothing is stored that could be used | Sign out | no |",
        "error kind notSignedIn: the remedies are Sign in",
    ),
    "another outcome": (
        "| its deadline | `expired` |",
        "| its deadline | `late` |",
        "outcome late: in the text, not in the code",
    ),
    "a command that went": (
        "| `codexAuth.cancel` | `auth/cancelLogin` | `CancelLoginResult` |\n",
        "",
        "command codexAuth.cancel: in the code, not in the text",
    ),
    "a command of another name": (
        "and `codexAuth.showLog`.",
        "and `codexAuth.openLog`.",
        "command id codexAuth.openLog: in the text, not in the code",
    ),
    "an option that went": (
        "| `--check-api-key` | |",
        "| `--try-api-key` | |",
        "option --check-api-key: in the code, not in the text",
    ),
    "an error code that went": (
        "| `-32002` | `ServerNotInitialized` | a request before `initialize` |\n",
        "",
        "code -32002: in the code, not in the text",
    ),
    "another MFA rule": (
        "| `apple` | `recommended` |",
        "| `apple` | `required` |",
        "MFA advice for {'auth_provider': 'apple'}: is recommended",
    ),
    "a link that leads nowhere": (
        "](#mfa-advice) for the rules",
        "](#second-factor) for the rules",
        "link to #second-factor: there is no such heading",
    ),
    "an example with an unknown field": (
        '  "loginPrompt": true,\n',
        '  "loginPrompts": true,\n',
        "example client capabilities: a field is unknown or of the wrong type",
    ),
    "an example with an unknown field in a part of a status": (
        '"revision": 5,',
        '"revision": 5, "mood": "good",',
        "example auth/statusChanged params: 1 validation error",
    ),
    "an example that leaves out what is always sent": (
        '    "billing": "usage",\n',
        "",
        "example auth/login result: 1 validation error",
    ),
    "an example with a value that is never sent": (
        '"outcome": "expired"',
        '"outcome": "late"',
        "example auth/loginCompleted params: 1 validation error",
    ),
    "an example that lacks a field": (
        '"accountChanged": true',
        '"account": true',
        "example auth/statusChanged params: 2 validation errors",
    ),
    "an example with params that are refused": (
        '{ "method": "apiKey", "apiKey": "YOUR_API_KEY" }',
        '{ "method": "apiKey" }',
        "example auth/login params: `apiKey` must be given with method 'apiKey'.",
    ),
    "an example with the advice of another error": (
        '"oauthError": "access_denied",\n    "remediation": [{ "title": "Sign in again",',
        '"oauthError": "access_denied",\n    "remediation": [{ "title": "Sign in",',
        "example auth/login error: loginDenied is",
    ),
    "an example with the code of another error": (
        '"code": -32803,\n  "message": "The provider refused the API key."',
        '"code": -32802,\n  "message": "The provider refused the API key."',
        "example auth/credential error: apiKeyRejected is answered with -32803",
    ),
    "an example with other words": (
        '"message": "Signed in to Codex with an API key, billed at API rates."',
        '"message": "Signed in to Codex with an API key."',
        "example auth/login result: the server says something else",
    ),
    "an example that nobody checks": (
        "<!-- example: auth/refresh params -->\n",
        "",
        "an example has no marker, so nobody checks it",
    ),
    "an example that is no JSON": (
        '{ "outcome": "cancelled" }',
        '{ "outcome": "cancelled", }',
        "example auth/cancelLogin result:",
    ),
    "an announced request that does not exist": (
        '    "auth/doctor"\n',
        '    "auth/doctor",\n    "auth/teleport"\n',
        "example server capabilities: announced request auth/teleport",
    ),
    "a login method of another name": (
        '"title": "Sign in with an API key",\n      "description"',
        '"title": "Enter a key",\n      "description"',
        "example auth/methods result: the server answers something else",
    ),
    "another protocol version": (
        "# The codex-auth protocol, version 1\n",
        "# The codex-auth protocol, version 2\n",
        "the title does not name the protocol version",
    ),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_a_difference_is_found_and_named(text, name):
    """Each way in which text and code can come apart is told, so the agreement means something."""
    old, new, finding = DRIFTS[name]
    assert old in text

    findings = drift(text.replace(old, new, 1))

    assert [line for line in findings if line.startswith(finding)] != []
