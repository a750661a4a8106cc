"""The wire models as JSON Schema, for clients in other languages; `make mirror` writes it.

It is the schema of a client that lives with a later server: enumerations and objects of the server
stay open. `protocol.md` gives the words, the models the shapes.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from codex_auth_lsp.wire import types
from codex_auth_lsp.wire.catalogue import COMMAND_RESULTS, NOTIFICATION_MODELS, REQUEST_MODELS
from codex_auth_lsp.wire.methods import PROTOCOL_VERSION
from codex_auth_lsp.wire.model import Sent
from wire import declared
from wire.specification import declarations_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.wire.model import WireModel
    from wire.typescript import Field

PROJECT = Path(__file__).resolve().parents[2]

SCHEMA = PROJECT / "protocol.schema.json"

Schema = dict[str, Any]


def schema_text() -> str:
    """Return the whole file."""
    return f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n"


def schema() -> Schema:
    """Return the schema: maps from a method to its params and its result, and every type."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The codex-auth protocol, version {PROTOCOL_VERSION}",
        "description": (
            "Params and results by the name of their method. Unknown members and unknown values "
            "of an enumeration are allowed in what a server sends, as protocol.md asks of clients."
        ),
        "type": "object",
        "properties": {
            "requestParams": _by_name({name: x.params for name, x in REQUEST_MODELS.items()}),
            "requestResults": _by_name({name: x.result for name, x in REQUEST_MODELS.items()}),
            "notificationParams": _by_name(NOTIFICATION_MODELS),
            "commandResults": _by_name(COMMAND_RESULTS),
            "errorData": _reference("ErrorData"),
        },
        "$defs": {**_enumerations(), **_objects()},
    }


def _by_name(models: Mapping[str, type[WireModel]]) -> Schema:
    return {
        "type": "object",
        "properties": {name: _reference(model.__name__) for name, model in models.items()},
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _enumerations() -> dict[str, Schema]:
    named = {**declared.enumerations(), "ErrorKind": get_args(types.ErrorKind)}
    return {name: {"type": "string", "enum": list(values)} for name, values in named.items()}


def _objects() -> dict[str, Schema]:
    models = declared.models()
    _, generated = models_json_schema(
        [(model, "validation") for model in models.values()],
        by_alias=True,
        schema_generator=_Untitled,
    )
    return {name: _object(model, generated["$defs"][name]) for name, model in models.items()}


class _Untitled(GenerateJsonSchema):
    """A title made of a field's name says nothing that the name does not say."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _object(model: type[WireModel], generated: Schema) -> Schema:
    is_sent = issubclass(model, Sent)
    return {
        "description": inspect.getdoc(model),
        "type": "object",
        "properties": {
            alias: {
                "description": _words(model, alias),
                **({"x-secret": True} if declared.is_secret(model, alias) else {}),
                **_open(field, is_sent=is_sent),
            }
            for alias, field in generated.get("properties", {}).items()
        },
        "required": generated.get("required", []),
    }


def _words(model: type[WireModel], alias: str) -> str:
    """Return how `protocol.md` explains a field, of the model itself or of its base."""
    written = _declared_fields(model.__name__)
    if alias not in written:
        return _words(model.__bases__[0], alias)
    return written[alias].comment


@cache
def _declared_fields(name: str) -> Mapping[str, Field]:
    text = (PROJECT / "protocol.md").read_text(encoding="utf-8")
    return declarations_of(text).interfaces[name].fields


def _open(field: Schema, *, is_sent: bool) -> Schema:
    """Return a field's schema with names for enumerations and without pydantic's `null`."""
    if "anyOf" in field:
        parts = [_open(part, is_sent=is_sent) for part in field["anyOf"] if part != _NULL]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}
    if "items" in field:
        return {**field, "items": _open(field["items"], is_sent=is_sent)}
    values = field.get("enum")
    if values is None:
        return {key: value for key, value in field.items() if key not in _LEFT_OUT}
    name = next(name for name, schema in _enumerations().items() if schema["enum"] == values)
    if is_sent:
        return {"anyOf": [_reference(name), {"type": "string"}]}
    return {**{key: value for key, value in field.items() if key == "default"}, **_reference(name)}


_NULL = {"type": "null"}
_LEFT_OUT = ("title", "format", "writeOnly")


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
