"""The wire models as TypeScript: what `protocol.md` has to declare, word for word."""

from __future__ import annotations

import inspect
import json
import types as python_types
import typing
from typing import Any, Literal

from pydantic import SecretStr

from codex_auth_lsp.wire import capabilities, notifications, params, results, types
from codex_auth_lsp.wire.model import Received, Sent, UInteger, WireModel
from wire.typescript import Field, Interface

MODULES = (types, params, results, notifications, capabilities)

BASES = (WireModel, Received, Sent)

_NAMED = (
    (types.AttemptId, "AttemptId"),
    (types.Timestamp, "Timestamp"),
    (types.ProgressToken, "ProgressToken"),
    (types.ErrorKind, "ErrorKind"),
    (types.Sentence, "string"),
    (params.Id, "string"),
    (UInteger, "uinteger"),
)

_PLAIN = {str: "string", SecretStr: "string", int: "uinteger", bool: "boolean"}


def models() -> dict[str, type[WireModel]]:
    """Return every model of the wire by its name."""
    return {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, WireModel) and value not in BASES
    }


def enumerations() -> dict[str, tuple[str, ...]]:
    """Return every enumeration of the wire but `ErrorKind`, of which a version uses a part."""
    return {
        name: typing.get_args(value)
        for module in MODULES
        for name, value in vars(module).items()
        if typing.get_origin(value) is Literal and name != "ErrorKind"
    }


def interface(model: type[WireModel]) -> Interface:
    """Return the interface of a model, with only the fields that are its own."""
    base = model.__bases__[0]
    inherited = {} if base in BASES else typing.get_type_hints(base)
    hints = typing.get_type_hints(model, include_extras=True)
    return Interface(
        None if base in BASES else base.__name__,
        {
            str(info.alias): Field(typescript(hints[name]), not info.is_required(), "")
            for name, info in model.model_fields.items()
            if name not in inherited
        },
    )


def is_secret(model: type[WireModel], alias: str) -> bool:
    """Say whether a field does not show itself."""
    name, info = _field(model, alias)
    return not info.repr or SecretStr in typing.get_args(typing.get_type_hints(model)[name])


def default(model: type[WireModel], alias: str) -> str | None:
    """Return the default of a field as JSON, None where it has none."""
    _, info = _field(model, alias)
    if info.is_required() or info.default is None:
        return None
    return json.dumps(info.default)


def _field(model: type[WireModel], alias: str) -> tuple[str, Any]:
    return next(item for item in model.model_fields.items() if item[1].alias == alias)


def typescript(annotation: Any) -> str:
    """Return an annotation as `protocol.md` writes it; `None` of an optional field is left out."""
    for known, name in _NAMED:
        if annotation == known:
            return name
    if typing.get_origin(annotation) is Literal:
        return next(
            name for name, values in enumerations().items() if values == annotation.__args__
        )
    if typing.get_origin(annotation) in (typing.Union, python_types.UnionType):
        return " | ".join(
            typescript(part) for part in annotation.__args__ if part is not python_types.NoneType
        )
    if typing.get_origin(annotation) is list:
        return f"{typescript(annotation.__args__[0])}[]"
    if typing.get_origin(annotation) is dict:
        return f"{{ [name: string]: {typescript(annotation.__args__[1])} }}"
    return _PLAIN.get(annotation) or annotation.__name__
