"""Who is signed in, from an id token's claims."""

from __future__ import annotations

import pytest

from codex_auth_lsp.domain.account import Account, account_from_claims
from codex_auth_lsp.domain.claims import AUTH_NAMESPACE, PROFILE_NAMESPACE


def claims(plan: object = None, account_id: object = None, **others: object) -> dict[str, object]:
    auth = {"chatgpt_plan_type": plan, "chatgpt_account_id": account_id}
    return {AUTH_NAMESPACE: auth, **others}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (claims(email="a@example.com", name="A", account_id="acct"), "a@example.com"),
        (claims(name="A", account_id="acct"), "A"),
        (claims(account_id="acct"), "acct"),
        (claims(email=" ", name="\u202e", account_id="acct"), "acct"),
        (claims(email=["a@example.com"], name=7), "ChatGPT account"),
        ({PROFILE_NAMESPACE: {"email": "p@example.com"}}, "p@example.com"),
        (
            {"email": "a@example.com", PROFILE_NAMESPACE: {"email": "p@example.com"}},
            "a@example.com",
        ),
        ({AUTH_NAMESPACE: "text", PROFILE_NAMESPACE: 3}, "ChatGPT account"),
        ({}, "ChatGPT account"),
    ],
)
def test_label_is_the_best_name_there_is_and_never_empty(given, expected):
    """Email, else name, else id, else words."""
    assert account_from_claims(given, None).label == expected


@pytest.mark.parametrize(
    ("plan", "plan_type", "workspace"),
    [
        ("free", "free", None),
        ("go", "go", None),
        ("plus", "plus", None),
        ("pro", "pro", None),
        ("team", "team", "acct"),
        ("business", "business", "acct"),
        ("enterprise", "enterprise", "acct"),
        ("edu", "edu", "acct"),
        ("hc", "enterprise", "acct"),
        ("education", "edu", "acct"),
        ("plan-of-next-year", "plan-of-next-year", "acct"),
        ("", None, None),
        (None, None, None),
        (3, None, None),
    ],
)
def test_plan_says_whether_there_is_a_workspace(plan, plan_type, workspace):
    """A personal plan has none; an organization's is named by the account's id."""
    account = account_from_claims(claims(plan=plan, account_id="acct"), None)

    assert (account.plan_type, account.workspace_id) == (plan_type, workspace)


@pytest.mark.parametrize(
    ("claimed", "stored", "expected"),
    [
        ("claimed", "stored", "claimed"),
        (None, "stored", "stored"),
        (None, "", None),
        (None, None, None),
        ("", "stored", "stored"),
        (None, "sto\r\nred\u202e", "sto  red"),
    ],
)
def test_stored_id_stands_in_for_a_missing_claim(claimed, stored, expected):
    """What a file says is made as harmless as what a token says: it goes into a header."""
    assert account_from_claims(claims(account_id=claimed), stored).id == expected


def test_account_on_the_wire_leaves_out_what_is_not_known():
    """Fields without a value are not there; the label always is."""
    whole = Account("a@example.com", "acct", "a@example.com", "team", "acct")

    assert Account("Somebody").to_wire() == {"label": "Somebody"}
    assert whole.to_wire() == {
        "id": "acct",
        "email": "a@example.com",
        "planType": "team",
        "workspaceId": "acct",
        "label": "a@example.com",
    }
