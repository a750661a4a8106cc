"""The device code flow against an issuer of RFC 8628: rhythm, patience and ends, in no time."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import (
    AuthError,
    DeviceCodeDisabled,
    DeviceCodeExpired,
    IssuerResponseInvalid,
    LoginDenied,
    LoginMethodUnavailable,
    TokenExchangeFailed,
)
from codex_auth_lsp.flows.base import Controls, Farewell, FlowContext, LoginPhase, UserCodePrompt
from codex_auth_lsp.flows.device_code import DeviceCodeFlow
from flows.device_issuer import DROP, DeviceIssuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from codex_auth_lsp.flows.base import OpenUrlPrompt

PENDING = (400, {"error": "authorization_pending"})
SLOW_DOWN = (400, {"error": "slow_down"})
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


TOKENS = (
    200,
    {
        "token_type": "Bearer",
        "id_token": f"{_part({'alg': 'none'})}.{_part({'email': 'ada@example.com'})}.sig",
        "access_token": "access-token-of-the-tests",
        "refresh_token": "refresh-token-of-the-tests",
    },
)


class HastyClock:
    """Time passes only by waiting, which takes none; every wait is noted."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    @property
    def elapsed(self) -> float:
        return sum(self.waits)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


class Person:
    """Is shown what a flow shows."""

    def __init__(self) -> None:
        self.prompts: list[UserCodePrompt] = []

    async def open_url(self, prompt: OpenUrlPrompt) -> None:
        raise AssertionError("a device code opens no page")

    async def show_user_code(self, prompt: UserCodePrompt) -> None:
        self.prompts.append(prompt)


class Bench:
    """A flow with its surroundings."""

    def __init__(self, issuer: DeviceIssuer) -> None:
        self.issuer = issuer
        self.clock = HastyClock()
        self.person = Person()
        self.phases: list[LoginPhase] = []
        self.controls = Controls()
        self.issuer_times: list[datetime | None] = []

    async def sign_in(self, *answers: Any) -> Any:
        self.issuer.answers = list(answers)
        context = FlowContext(
            issuer=IssuerSettings(self.issuer.url, "client-of-the-tests"),
            workspace_ids=(),
            prompts=self.person,
            on_phase=self.phases.append,
            attempt_id="attempt",
            expires_at=START + timedelta(seconds=1800),
            clock=self.clock,
            farewell=Farewell(),
            controls=self.controls,
            on_issuer_time=self.issuer_times.append,
            on_remark=[].append,
        )
        return await DeviceCodeFlow().sign_in(context)

    async def failure(self, *answers: Any) -> AuthError:
        with pytest.raises(AuthError) as raised:
            await self.sign_in(*answers)
        return raised.value


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with DeviceIssuer.start() as issuer:
        yield Bench(issuer)


async def test_tokens_come_after_the_person_entered_the_code(bench):
    """The requests are those of RFC 8628 section 3.1 and 3.4, the login is the issuer's."""
    credential = await bench.sign_in(PENDING, TOKENS)

    assert bench.issuer.authorizations == [
        {"client_id": "client-of-the-tests", "scope": "openid profile email offline_access"}
    ]
    assert bench.issuer.questions == 2 * [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": "device-code-of-the-tests",
            "client_id": "client-of-the-tests",
        }
    ]
    assert (credential.issuer, credential.client_id) == (bench.issuer.url, "client-of-the-tests")
    assert credential.refresh_token.reveal() == "refresh-token-of-the-tests"
    assert bench.phases == ["waitingForUser", "exchanging", "verifying"]


async def test_the_person_sees_page_code_and_expiry(bench):
    """The page with the code filled in comes beside the plain one."""
    await bench.sign_in(TOKENS)
    (prompt,) = bench.person.prompts

    assert prompt.verification_uri == f"{bench.issuer.url}/device"
    assert prompt.verification_uri_complete is not None
    assert prompt.verification_uri_complete.reveal().endswith("/device?user_code=WDJB-MJHT")
    assert prompt.user_code.reveal() == "WDJB-MJHT"
    assert prompt.expires_at == START + timedelta(seconds=600)
    assert "WDJB" not in repr(prompt)


async def test_p19_each_slow_down_adds_five_seconds_for_good(bench):
    """RFC 8628 section 3.5: gaps of 5, 10, 15 and 20 seconds, and no return to a faster rhythm."""
    await bench.sign_in(SLOW_DOWN, SLOW_DOWN, SLOW_DOWN, PENDING, TOKENS)

    assert bench.clock.waits == [5, 10, 15, 20, 20]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (..., 5),
        (7, 7),
        ("7", 7),
        (2.5, 2.5),
        (0, 5),
        (-3, 5),
        ("soon", 5),
        (True, 5),
        (None, 5),
        (0.01, 1),
        (1e9, 60),
        ("1e400", 5),
        ([5], 5),
    ],
)
async def test_p19_an_interval_that_makes_no_sense_is_replaced_by_one_that_does(
    bench, interval, expected
):
    """Neither a flood of questions nor a login that can never be heard of."""
    if interval is not ...:
        bench.issuer.grant["interval"] = interval

    await bench.sign_in(TOKENS)

    assert bench.clock.waits == [expected]


async def test_p19_nothing_is_asked_after_the_code_has_expired(bench):
    """`expires_in` is kept, and the end is said at that moment and not at the next question."""
    bench.issuer.grant["expires_in"] = 12

    error = await bench.failure(PENDING, PENDING)

    assert isinstance(error, DeviceCodeExpired)
    assert bench.clock.waits == [5, 5, 2]
    assert len(bench.issuer.questions) == 2


async def test_p19_a_connection_that_breaks_is_waited_out_with_back_off(bench):
    """The pauses double, and the rhythm is the old one once the issuer answers again."""
    await bench.sign_in(DROP, DROP, (503, {}), PENDING, TOKENS)

    assert bench.clock.waits == [5, 10, 20, 40, 5]


async def test_a_network_that_stays_away_ends_with_the_code(bench):
    """It is never given up before, and the end says what was the matter."""
    bench.issuer.grant["expires_in"] = 100

    error = await bench.failure(*20 * [DROP])

    assert isinstance(error, DeviceCodeExpired)
    assert "could not be asked" in error.message
    assert bench.clock.elapsed == 100
    assert bench.clock.waits[:4] == [5, 10, 20, 40]


async def test_an_issuer_that_asks_to_wait_is_given_the_time(bench):
    """HTTP 429 is no end."""
    await bench.sign_in((429, {}), TOKENS)

    assert bench.clock.waits == [5, 10]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((400, {"error": "access_denied"}), LoginDenied),
        ((400, {"error": "expired_token"}), DeviceCodeExpired),
        ((400, {"error": "invalid_grant"}), TokenExchangeFailed),
        ((401, {"error": "invalid_client"}), TokenExchangeFailed),
        ((403, {}), TokenExchangeFailed),
        ((200, {"access_token": "alone"}), IssuerResponseInvalid),
        ((200, []), IssuerResponseInvalid),
        ((302, {}), IssuerResponseInvalid),
    ],
)
async def test_an_answer_that_is_final_ends_it_at_once(bench, answer, expected):
    """No further question is asked."""
    error = await bench.failure(PENDING, answer)

    assert type(error) is expected
    assert len(bench.issuer.questions) == 2


@pytest.mark.parametrize(
    "user_code",
    [
        None,
        7,
        "",
        "A" * 33,
        "WDJB\r\nMJHT",
        "WDJB\x1b[2J",
        "\u202eTHJM-BJDW",
        "WDJB--MJHT",
        " WDJB",
        "WDJB MJHT\n",
        "<b>WDJB</b>",
    ],
)
async def test_p20_a_code_that_is_no_code_is_never_shown(bench, user_code):
    """Control characters, escapes and bidi marks reach neither a terminal nor a message."""
    bench.issuer.grant["user_code"] = user_code

    error = await bench.failure()

    assert isinstance(error, IssuerResponseInvalid)
    assert bench.person.prompts == []


@pytest.mark.parametrize("field", ["verification_uri", "verification_uri_complete"])
@pytest.mark.parametrize(
    "address",
    [
        7,
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://evil.example/device",
        "http://127.0.0.1:1/device",
        "{url}@evil.example/",
        "{url}.evil.example/",
        "{url}/a\r\nb",
        "{url}/a\x1b[2Jb",
        "{url}/a b",
        "{url}\\@evil.example/",
    ],
)
async def test_p20_a_page_that_is_not_the_issuer_s_own_is_never_shown(bench, field, address):
    """Nobody is sent to another site, or to what is no page at all."""
    if isinstance(address, str):
        address = address.replace("{url}", bench.issuer.url)
    bench.issuer.grant[field] = address

    error = await bench.failure()

    assert isinstance(error, IssuerResponseInvalid)
    assert bench.person.prompts == []


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "https://evil.example/token"},
        {"device_authorization_endpoint": "https://evil.example/device"},
        {"token_endpoint": None},
    ],
)
async def test_p11_metadata_that_leads_elsewhere_is_refused(bench, change):
    """The document names the configured issuer, and every endpoint is on its site."""
    bench.issuer.metadata |= change

    error = await bench.failure()

    assert isinstance(error, IssuerResponseInvalid)
    assert bench.issuer.authorizations == []


async def test_an_issuer_without_any_device_endpoint_has_it_switched_off(bench):
    """Neither RFC 8628 nor OpenAI's routes are there."""
    del bench.issuer.metadata["device_authorization_endpoint"]

    assert isinstance(await bench.failure(), DeviceCodeDisabled)


async def test_an_issuer_with_routes_of_its_own_and_none_for_devices_does_not_offer_it(bench):
    """ChatGPT's settings would not help there; the other ways do."""
    del bench.issuer.metadata["device_authorization_endpoint"]
    bench.issuer.metadata["token_endpoint"] = f"{bench.issuer.url}/connect/token"

    error = await bench.failure()

    assert isinstance(error, LoginMethodUnavailable)
    assert bench.issuer.url in error.message
    assert [remedy.command for remedy in error.remediation] == [
        "codexAuth.signIn",
        "codexAuth.signInWithApiKey",
    ]


async def test_p21_the_device_code_shows_itself_nowhere(bench, caplog):
    """Neither in a prompt nor in a log nor in the text of an error."""
    caplog.set_level("DEBUG")

    error = await bench.failure((400, {"error": "invalid_grant"}))

    told = f"{bench.person.prompts!r} {error!r} {error.to_wire()} {caplog.text}"
    assert "device-code-of-the-tests" not in told


async def test_a_flow_that_is_over_shows_nothing_again(bench):
    """What can be done with a waiting flow ends with the waiting."""
    await bench.sign_in(TOKENS)

    assert bench.controls.show_again is None
