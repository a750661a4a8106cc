"""The account behind a credential, as its id token names it."""

from __future__ import annotations

from typing import Any

from codex_auth_lsp.domain.claims import (
    AUTH_NAMESPACE,
    PROFILE_NAMESPACE,
    Claims,
    clean_text,
    namespace,
    text_claim,
)
from codex_auth_lsp.values import frozen

# Plan values as they stand in `chatgpt_plan_type`; the aliases are those that the Codex CLI reads.
_PLAN_ALIASES = {"hc": "enterprise", "education": "edu"}
_PERSONAL_PLANS = frozenset({"free", "go", "plus", "pro", "prolite", "promax"})


@frozen
class Account:
    """Who is signed in.

    `label` is never empty and fit to show. `workspace_id` is the ChatGPT workspace, present when
    the plan belongs to an organization; it equals `id` there, as OpenAI names workspaces.
    """

    label: str
    id: str | None = None
    email: str | None = None
    plan_type: str | None = None
    workspace_id: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's `account` object."""
        fields = {
            "id": self.id,
            "email": self.email,
            "planType": self.plan_type,
            "workspaceId": self.workspace_id,
            "label": self.label,
        }
        return {name: value for name, value in fields.items() if value is not None}


def account_from_claims(claims: Claims, stored_account_id: str | None) -> Account:
    """Return the account that an id token names.

    Args:
        claims: The id token's claims, possibly empty.
        stored_account_id: `tokens.account_id` of the login cache, used where the claim is missing.
    """
    auth = namespace(claims, AUTH_NAMESPACE)
    email = text_claim(claims, "email") or text_claim(namespace(claims, PROFILE_NAMESPACE), "email")
    stored_id = clean_text(stored_account_id or "")
    account_id = text_claim(auth, "chatgpt_account_id") or stored_id or None
    plan_type = text_claim(auth, "chatgpt_plan_type")
    plan_type = _PLAN_ALIASES.get(plan_type, plan_type) if plan_type else None
    in_workspace = plan_type is not None and plan_type not in _PERSONAL_PLANS
    return Account(
        label=email or text_claim(claims, "name") or account_id or "ChatGPT account",
        id=account_id,
        email=email,
        plan_type=plan_type,
        workspace_id=account_id if in_workspace else None,
    )
