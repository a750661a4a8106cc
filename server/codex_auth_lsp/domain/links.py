"""The web addresses that the server gives to people: the complete list.

Source: OpenAI's page "Authentication" (sign-in methods for Codex), read 2026-11.
"""

from __future__ import annotations

from codex_auth_lsp.values import frozen


@frozen
class Link:
    """A titled https address."""

    title: str
    url: str


API_KEYS = Link("Create or see API keys", "https://platform.openai.com/api-keys")
API_PRICING = Link("API pricing", "https://openai.com/api/pricing/")
MFA_GOOGLE = Link(
    "Set up multi-factor authentication with Google",
    "https://support.google.com/accounts/answer/185839",
)
MFA_MICROSOFT = Link(
    "Set up multi-factor authentication with Microsoft",
    "https://support.microsoft.com/en-us/topic/"
    "what-is-multifactor-authentication-e5e39437-121c-be60-d123-eda06bddf661",
)
MFA_APPLE = Link(
    "Set up multi-factor authentication with Apple",
    "https://support.apple.com/en-us/102660",
)
