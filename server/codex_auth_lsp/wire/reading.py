"""From the raw params of a request to its model, or to a sentence that says what is wrong.

The sentence names the field as it stands on the wire and what is expected there. It never holds
a value: params carry an API key, and a value in the wrong field may well be one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from codex_auth_lsp.wire.model import Received

Params = TypeVar("Params", bound="Received")

# Only pydantic's types that the params can run into; {…} are filled from the error's context,
# which holds our own limits and never the input.
_EXPECTED = {
    "missing": "given",
    "string_type": "a string",
    "string_unicode": "a string of valid Unicode",
    "string_too_short": "a string of at least {min_length} characters",
    "string_too_long": "a string of at most {max_length} characters",
    "too_long": "a string of at most {max_length} characters",  # of a SecretStr
    "string_pattern_mismatch": "a string that matches {pattern}",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "literal_error": "{expected}",
    "greater_than_equal": "a whole number, at least {ge}",
    "less_than_equal": "a whole number, at most {le}",
}

_OWN_RULES = frozenset({"progress_token", "api_key_required", "api_key_refused"})


class ParamsInvalid(Exception):
    """The params of a request do not fit. The message names the field, never the value."""


def read_params(model: type[Params], raw: object = None) -> Params:
    """Return the params as a model; missing, `null`, `{}` and `[]` are the same.

    Raises:
        ParamsInvalid: They are no object, or a field of theirs does not fit.
    """
    if raw is None or raw == []:
        raw = {}
    if not isinstance(raw, dict):
        raise ParamsInvalid("`params` must be an object.")
    try:
        return model.model_validate(raw)
    except ValidationError as exc:
        message = _sentence(exc.errors(include_url=False, include_input=False)[0])
    # Outside the handler: an exception with this cause would carry the values along.
    raise ParamsInvalid(message)


def _sentence(error: ErrorDetails) -> str:
    # A default that fails is told under the attribute's name, anything else under the wire's.
    field = ".".join(to_camel(str(part)) for part in error["loc"]) or "params"
    return f"`{field}` must be {_expected(error)}."


def _expected(error: ErrorDetails) -> str:
    if error["type"] in _OWN_RULES:
        return error["msg"]
    context: dict[str, Any] = error.get("ctx", {})
    return _EXPECTED.get(error["type"], "what `protocol.md` says of it").format_map(context)
