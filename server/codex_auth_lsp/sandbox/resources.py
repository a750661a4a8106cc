"""What the credentials open: the model endpoint and OpenAI's account check (RFC 6750)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.http1 import Request, Response
from codex_auth_lsp.sandbox.fields import json_response

if TYPE_CHECKING:
    from codex_auth_lsp.sandbox.ledger import Ledger

_MODEL = {"id": "gpt-sandbox", "object": "model", "created": 0, "owned_by": "sandbox"}
_MESSAGE = {
    "type": "message",
    "id": "msg_sandbox",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello from the sandbox.", "annotations": []}],
}
_USAGE = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


class Resources:
    """Answers below `/v1` and `/backend-api`, to bearers of a live credential only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def models(self, request: Request) -> Response:
        """Answer `GET /v1/models`."""
        if not self._ledger.accepts(_bearer(request)):
            return _unauthorized()
        return json_response({"object": "list", "data": [_MODEL]})

    def responses(self, request: Request) -> Response:
        """Answer `POST /v1/responses` with one fixed sentence, as events where they are wanted."""
        if not self._ledger.accepts(_bearer(request)):
            return _unauthorized()
        completed = {
            "id": "resp_sandbox",
            "object": "response",
            "status": "completed",
            "model": _MODEL["id"],
            "output": [_MESSAGE],
            "usage": _USAGE,
        }
        if "text/event-stream" not in (request.header("accept") or ""):
            return json_response(completed)
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": {"id": "resp_sandbox"}},
            {"type": "response.output_item.done", "output_index": 0, "item": _MESSAGE},
            {"type": "response.completed", "response": completed},
        ]
        text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
        return Response(200, text.encode("utf-8"), "text/event-stream")

    def accounts_check(self, request: Request) -> Response:
        """Answer `GET /backend-api/wham/accounts/check`, which Codex asks after each sign-in."""
        person = self._ledger.person_of(_bearer(request))
        if person is None:
            return _unauthorized()
        account = {
            "id": person.account_id,
            "plan_type": person.plan_type,
            "name": person.organization,
            "structure": "personal" if person.organization == "Personal" else "workspace",
            "workspace_backend_origin": "NO_CONSTRAINT",
            "account_routing_override": "NO_CONSTRAINT",
        }
        return json_response(
            {
                "accounts": [account],
                "account_ordering": [person.account_id],
                "default_account_id": person.account_id,
            }
        )


def _bearer(request: Request) -> str:
    values = request.header_values("authorization")
    scheme, _, credential = (values[0] if len(values) == 1 else "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


def _unauthorized() -> Response:
    error = {
        "message": "The sandbox does not know this credential, or it is no longer valid.",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
    challenge = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    return json_response({"error": error}, 401, challenge)
