"""The mutants that no test noticed, with what each changes, and why some cannot be noticed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Survivor:
    """A mutant: its name, the lines that it takes out and the ones that it puts in."""

    name: str
    before: str
    after: str

    @classmethod
    def of(cls, name: str, diff: str) -> Survivor:
        """Read it from a unified diff."""
        lines = diff.splitlines()
        before = [line[1:].strip() for line in lines if re.match(r"-(?!--)", line)]
        after = [line[1:].strip() for line in lines if re.match(r"\+(?!\+\+)", line)]
        return cls(name, " ".join(before), " ".join(after))


@dataclass(frozen=True)
class Group:
    """Mutants that are alike in why nothing could notice them."""

    title: str
    reason: str
    before: str
    after: str
    """Patterns for what a mutant takes out and what it puts in."""
    where: str = ""

    def holds(self, one: Survivor) -> bool:
        """Say whether a mutant is one of these."""
        return all(
            re.search(pattern, text, re.DOTALL)
            for pattern, text in ((self.before, one.before), (self.after, one.after))
        ) and bool(re.search(self.where, one.name))


GROUPS = (
    Group(
        "the name of a codec in capitals",
        "Python takes either.",
        r"""["'](utf-8|ascii)["']""",
        r"""["'](UTF-8|ASCII)["']""",
    ),
    Group(
        "more characters to strip from an end",
        "`X` beside those that are meant: what is stripped here never begins or ends with one, "
        "such as an address in lower case, or base64url of 32 bytes.",
        r"strip\(b?[\"'][^X]",
        r"strip\(b?[\"']XX",
    ),
    Group(
        "another default for what is missing",
        "It fits nothing, as the empty text does, and is judged the same.",
        r"""(, |or )""\)?""",
        r"""(, |or )"XXXX"\)?""",
    ),
    Group(
        "`None` or an empty text for what could not be read",
        "The next line refuses all that is no object.",
        r"(header|document|body) = None$",
        r'(header|document|body) = ""$',
    ),
    Group(
        "a boundary that was settled before",
        "Equal times are judged above it, and clocks that do not differ are told of to nobody.",
        r"mine > theirs|difference > timedelta\(\)",
        r"mine >= theirs|difference >= timedelta\(\)",
    ),
    Group(
        "the list of algorithms beside a key that is made for one",
        "PyJWT then takes the key's own, which is the same; one is enough, two are safer.",
        r"jwt\.PyJWK\(key, algorithm\), algorithms=\[algorithm\]",
        r"jwt\.PyJWK\(key, algorithm\), (algorithms=None)?\)",
    ),
    Group(
        "`None` for `False`",
        "The library asks whether it is true.",
        r"\w+=False",
        r"\w+=None",
    ),
    Group(
        "too much padding",
        "Python's base64 ignores what is too much, and a text that lacks more is none.",
        r"-len\(part\) % 4",
        r"\+len\(part\) % 4",
    ),
    Group(
        "a member that is put in a second time",
        "The form has `client_id` last, whatever the payload says.",
        r"revocation_payload\(credential, client_id\)",
        r"revocation_payload\(credential, None\)",
    ),
    Group(
        "letters whose case means nothing",
        "httpx writes methods in capitals, and the names of media types have no case.",
        r'"POST"|application/(json|x-www-form-urlencoded)',
        r'"post"|APPLICATION/(JSON|X-WWW-FORM-URLENCODED)',
    ),
    Group(
        "two lists of two, paired without a look at their lengths",
        "Both are written there; the look is for who changes one of them.",
        r"strict=True",
        r"strict=(None|False)|revocation_endpoint\), \)",
    ),
    Group(
        "another default for a header that is not there",
        "No date can be read from it, as from the empty text.",
        r'headers\.get\("date", ""\)',
        r'headers\.get\("date", (None)?\)',
    ),
    Group(
        "an entry of digits without a colon in `NO_PROXY`",
        "It is no port without one, and no host has such a name.",
        r"if colon and number\.isdecimal\(\)",
        r"if colon or number\.isdecimal\(\)",
    ),
)


def by_group(survivors: Iterable[Survivor]) -> tuple[list[tuple[Group, int]], list[Survivor]]:
    """Return each group with its number of mutants, and the mutants that are in none."""
    counts: Counter[Group] = Counter()
    rest = []
    for one in survivors:
        group = next((group for group in GROUPS if group.holds(one)), None)
        if group is None:
            rest.append(one)
        else:
            counts[group] += 1
    return [(group, counts[group]) for group in GROUPS if counts[group]], rest
