"""The pictures of the READMEs: each is there, in light and dark, and none is there for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
STATES = ("signed-out", "waiting", "signed-in", "account", "device-code", "needs-sign-in-again")

_SHOWN = re.compile(r"""(?:src|srcset)="([^"]+\.png)"|!\[[^\]]+\]\(([^)]+\.png)\)""")


def shown(readme: Path) -> list[Path]:
    """Return the pictures that a README shows."""
    names = (one or other for one, other in _SHOWN.findall(readme.read_text(encoding="utf-8")))
    return [(readme.parent / name).resolve() for name in names]


READMES = [ROOT / "README.md", ROOT / "vscode-client" / "README.md"]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_readme_shows_every_state_of_vs_code_in_both_themes(readme: Path):
    """Whoever reads in the dark is not blinded."""
    pictures = set(shown(readme))

    wanted = {
        FOLDER / f"vscode-{state}-{theme}.png" for state in STATES for theme in ("light", "dark")
    }
    assert set() == wanted - pictures
    assert [path for path in pictures if not path.is_file()] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_picture_has_words_for_those_who_do_not_see_it(readme: Path):
    """An `img` without `alt` is none for a screen reader."""
    text = readme.read_text(encoding="utf-8")

    assert len(re.findall(r"<img ", text)) == len(re.findall(r'<img alt="[^"]{10,}" ', text)) > 0
