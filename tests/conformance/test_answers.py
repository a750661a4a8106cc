"""What the scripted server says is what the real one could say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from codex_auth_lsp.conformance import answers
from codex_auth_lsp.conformance.scenarios import SCENARIOS
from codex_auth_lsp.errors import IssuerUnavailable
from codex_auth_lsp.wire import methods, results, types
from codex_auth_lsp.wire.capabilities import ServerAuthCapabilities

ATTEMPT = "attempt-1"
NOW = datetime(2026, 11, 23, 10, 32, 42, tzinfo=UTC)

SAID = {
    "signed out": (types.AuthStatus, answers.signed_out(1)),
    "signed in": (types.AuthStatus, answers.signed_in(2)),
    "needs sign-in again": (types.AuthStatus, answers.needs_reauth(3)),
    "waiting": (types.AuthStatus, answers.waiting(answers.signed_out(1), ATTEMPT, "browser", NOW)),
    "methods": (results.MethodsResult, answers.login_methods()),
    "providers": (results.ProvidersResult, answers.providers()),
    "doctor": (results.DoctorResult, answers.doctor()),
    "error": (types.AuthError, answers.auth_error(IssuerUnavailable(retry_after_seconds=0))),
    "credential": (results.CredentialResult, answers.credential("http://127.0.0.1:4646")),
    "capabilities": (
        ServerAuthCapabilities,
        answers.capabilities(with_commands=False)["capabilities"]["experimental"]["auth"],
    ),
}


@pytest.mark.parametrize(("model", "said"), SAID.values(), ids=SAID.keys())
def test_answer_fits_its_model(model, said):
    """A client that the checker finds right has not been told something odd."""
    assert model.model_validate(said).to_wire() == said


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_begins_in_a_state_of_the_server(scenario):
    """The same for the status at the start."""
    assert types.AuthStatus.model_validate(scenario.status).to_wire() == scenario.status


def test_a_sign_in_that_runs_is_a_later_status():
    """`revision` grows with every change."""
    status = answers.waiting(answers.signed_out(4), ATTEMPT, "deviceCode", NOW)

    assert status["revision"] == 5
    assert status["pendingLogin"]["method"] == "deviceCode"


def test_commands_are_offered_to_clients_without_the_protocol_alone():
    """As the real server does it."""
    offered = answers.capabilities(with_commands=True)["capabilities"]["executeCommandProvider"]

    assert offered == {"commands": list(methods.COMMANDS)}
    assert "executeCommandProvider" not in answers.capabilities(with_commands=False)["capabilities"]
