"""The base classes of every object on the wire.

Attributes are snake_case and become camelCase on the wire. Types are strict: `"60"` is no number,
`true` is no number and `60.0` is no whole one. Nothing here shows a value in an error.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

UInteger = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""LSP's `uinteger`: what every client's language can hold."""


class WireModel(BaseModel):
    """An object on the wire."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object; fields without a value are left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


class Received(WireModel):
    """An object that a client sends: unknown fields are ignored, `null` means absent."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        return {name: value for name, value in raw.items() if value is not None}


class Sent(WireModel):
    """An object that the server sends: exactly these fields, and never a `null`.

    Such a model checks a message (`model_validate` of its JSON) and describes it; values of the
    domain make their own JSON, because the first status of a window comes before pydantic.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_nulls(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and None in raw.values():
            names = ", ".join(str(name) for name, value in raw.items() if value is None)
            raise PydanticCustomError(
                "null_sent", "null instead of a missing field: {names}", {"names": names}
            )
        return raw
