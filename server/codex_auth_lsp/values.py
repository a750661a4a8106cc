"""Frozen values, for what a window imports at its start.

`dataclasses` writes the methods of each class as source text and compiles it in every process: half
a millisecond a class, which was a third of the whole start. Here they are written once for all
classes. A value is what `dataclass(frozen=True)` makes, and `dataclasses.replace` and
`dataclasses.fields` take it as one of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
C = TypeVar("C", bound=type)

_MISSING: Any = object()


class _Field:
    """What is said of a field beside its type; `field` makes it, as in `dataclasses`."""

    def __init__(self, default: Any, default_factory: Any, *, shown: bool, compared: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.shown = shown
        self.compared = compared


def field(
    *,
    default: Any = _MISSING,
    default_factory: Callable[[], Any] = _MISSING,
    repr: bool = True,  # noqa: A002 - the name that type checkers and readers know
    compare: bool = True,
) -> Any:
    """Describe a field, with the meanings of `dataclasses.field`."""
    return _Field(default, default_factory, shown=repr, compared=compare)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: C) -> C:
    """Make a class of annotated fields one of frozen values.

    Raises:
        TypeError: A field without a default follows one with a default.
    """
    found: dict[str, _Field] = {}
    own: dict[str, str] = cls.__dict__.get("__annotations__", {})  # noqa: RUF063 - it costs 5 ms
    for name, annotation in own.items():
        if annotation.startswith("ClassVar"):
            continue
        given = cls.__dict__.get(name, _MISSING)
        described = given if isinstance(given, _Field) else field(default=given)
        if not _has_default(described) and any(map(_has_default, found.values())):
            raise TypeError(f"{cls.__name__}.{name} needs a default: the field before it has one")
        found[name] = described
        if given is not _MISSING:
            delattr(cls, name)
        if described.default is not _MISSING:
            setattr(cls, name, described.default)
    methods: dict[str, Any] = {
        "_value_fields": found,
        "_compared_fields": tuple(name for name, one in found.items() if one.compared),
        "__match_args__": tuple(found),
        "__dataclass_fields__": _DataclassFields(),
        "__init__": _init,
        "__repr__": _repr,
        "__eq__": _eq,
        "__hash__": _hash,
        "__setattr__": _refuse_setting,
        "__delattr__": _refuse_setting,
    }
    for name, method in methods.items():
        if name not in cls.__dict__ or name == "__hash__":
            setattr(cls, name, method)
    return cls


def replace(original: T, /, **changes: Any) -> T:
    """Return a value with other fields, as `dataclasses.replace`."""
    held = {name: getattr(original, name) for name in original._value_fields}  # type: ignore[attr-defined]
    return type(original)(**{**held, **changes})


def _has_default(described: _Field) -> bool:
    return described.default is not _MISSING or described.default_factory is not _MISSING


def _init(self: Any, *given: Any, **named: Any) -> None:
    fields: dict[str, _Field] = self._value_fields
    if len(given) > len(fields):
        raise TypeError(f"{type(self).__name__} has {len(fields)} fields, not {len(given)}")
    held = dict(zip(fields, given, strict=False))
    for name, one in named.items():
        if name in held or name not in fields:
            what = "was given twice" if name in held else "is no field"
            raise TypeError(f"{name} {what} of {type(self).__name__}")
        held[name] = one
    if len(held) < len(fields):
        for name, described in fields.items():
            if name not in held:
                held[name] = _default_of(described, name)
    self.__dict__.update(held)


def _default_of(described: _Field, name: str) -> Any:
    if described.default is not _MISSING:
        return described.default
    if described.default_factory is _MISSING:
        raise TypeError(f"{name} is missing")
    return described.default_factory()


def _repr(self: Any) -> str:
    shown = (
        f"{name}={getattr(self, name)!r}"
        for name, described in self._value_fields.items()
        if described.shown
    )
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    held = self.__dict__
    return tuple([held[name] for name in self._compared_fields])


def _eq(self: Any, other: Any) -> bool:
    if type(other) is not type(self):
        return NotImplemented  # type: ignore[no-any-return]
    return _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _refuse_setting(self: Any, name: str, *_: Any) -> NoReturn:
    raise AttributeError(f"{type(self).__name__}.{name} is frozen")


class _DataclassFields:
    """What `dataclasses` asks a class of its own for, made when it asks."""

    def __get__(self, _instance: Any, owner: Any) -> dict[str, Any]:
        import dataclasses

        types = {name: owner.__annotations__[name] for name in owner._value_fields}
        twin: dict[str, Any] = {"__annotations__": types}
        for name, described in owner._value_fields.items():
            options = {
                key: default
                for key in ("default", "default_factory")
                if (default := getattr(described, key)) is not _MISSING
            }
            twin[name] = dataclasses.field(
                **options, repr=described.shown, compare=described.compared
            )
        made: Any = dataclasses.dataclass(frozen=True)(type(owner.__name__, (), twin))
        return dict(made.__dataclass_fields__)
