"""A frozen value is what `dataclass(frozen=True)` would have made, and costs no start."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import ClassVar

import pytest

from codex_auth_lsp.values import field, frozen, replace


@frozen
class Ours:
    """A value of every kind of field."""

    LIMIT: ClassVar[int] = 3

    name: str
    size: int = 1
    secret: str = field(default="", repr=False)
    seen: int = field(default=0, compare=False)
    members: tuple[str, ...] = field(default_factory=tuple)

    @cached_property
    def twice(self) -> int:
        """Something that is worked out once."""
        return self.size * 2


@dataclasses.dataclass(frozen=True)
class Theirs:
    """The same by the standard library."""

    LIMIT: ClassVar[int] = 3

    name: str
    size: int = 1
    secret: str = dataclasses.field(default="", repr=False)
    seen: int = dataclasses.field(default=0, compare=False)
    members: tuple[str, ...] = dataclasses.field(default_factory=tuple)


CALLS = [
    (("a",), {}),
    (("a", 2, "hidden", 5, ("m",)), {}),
    (("a",), {"size": 4, "members": ("x", "y")}),
    ((), {"size": 4, "name": "b"}),
]


@pytest.mark.parametrize(("given", "named"), CALLS)
def test_value_has_the_fields_and_the_text_of_a_dataclass(given, named):
    """Positions, names, defaults, and what a text leaves out."""
    ours, theirs = Ours(*given, **named), Theirs(*given, **named)

    assert dataclasses.asdict(theirs) == dataclasses.asdict(ours)
    assert repr(theirs) == repr(ours).replace("Ours", "Theirs")


@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("a", 1, "", 0, (), "more"), {}), (("a",), {"name": "b"}), (("a",), {"other": 1})],
    ids=["missing", "too many", "twice", "unknown"],
)
def test_value_is_not_made_of_wrong_arguments(given, named):
    """What a dataclass refuses is refused."""
    for kind in (Theirs, Ours):
        with pytest.raises(TypeError):
            kind(*given, **named)


def test_values_are_equal_by_what_is_compared_and_by_kind():
    """A field can be left out of it, and two classes are never equal."""
    for kind, other in ((Theirs, Ours), (Ours, Theirs)):
        assert kind("a", seen=1) == kind("a", seen=2)
        assert hash(kind("a", seen=1)) == hash(kind("a", seen=2))
        assert kind("a") != kind("b")
        assert kind("a") != other("a")


def test_value_can_neither_be_changed_nor_lose_a_field():
    """Frozen means frozen; what is worked out once is kept all the same."""
    ours = Ours("a", 2)

    with pytest.raises(AttributeError):
        ours.size = 3
    with pytest.raises(AttributeError):
        del ours.size
    assert (ours.size, ours.twice, ours.twice) == (2, 4, 4)


@pytest.mark.parametrize("change", [replace, dataclasses.replace], ids=["ours", "theirs"])
def test_replaced_value_differs_in_one_field(change):
    """Both ways of it do, and neither takes what is no field."""
    ours = Ours("a", 2, "hidden", 5, ("m",))

    assert Ours("a", 9, "hidden", 5, ("m",)) == change(ours, size=9)
    assert change(ours, size=9).seen == ours.seen
    with pytest.raises(TypeError):
        change(ours, other=1)


def test_fields_are_those_that_dataclasses_finds():
    """Names, defaults and flags are the same for whoever asks the standard library."""

    def told(kind):
        return [(f.name, f.default, f.repr, f.compare, f.type) for f in dataclasses.fields(kind)]

    assert told(Theirs) == told(Ours)
    assert Theirs.__match_args__ == Ours.__match_args__
    assert (Theirs.LIMIT, Theirs.size) == (Ours.LIMIT, Ours.size)


def test_value_may_have_a_text_of_its_own():
    """What a class says itself counts."""

    @frozen
    class Quiet:
        text: str

        def __repr__(self) -> str:
            return "Quiet"

    assert repr(Quiet("loud")) == "Quiet"


def test_field_without_a_default_comes_before_those_with_one():
    """A class that could never be made by position is a mistake of its author."""
    with pytest.raises(TypeError, match="needs a default"):

        @frozen
        class Wrong:
            first: int = 1
            second: int
