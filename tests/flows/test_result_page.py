"""The last page of a browser sign-in."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from codex_auth_lsp.flows.result_page import (
    PAGE_HEADERS,
    failed_page,
    neutral_page,
    signed_in_page,
)

HOSTILE = (
    "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'\x00\x1b[2J\u202e"
)

PAGES = {
    "signed in": signed_in_page(account_label="a@example.com", plan="plus", workspace=None),
    "signed in, hostile": signed_in_page(account_label=HOSTILE, plan=HOSTILE, workspace=HOSTILE),
    "failed, hostile": failed_page(heading=HOSTILE, explanation=HOSTILE),
    "neutral": neutral_page(),
}


class Elements(HTMLParser):
    """Collects start tags with their attributes, and the text that a person reads."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag, attrs):
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Keep the text."""
        self.text += data


def test_signed_in_page_names_account_and_plan_and_says_what_to_do():
    """A person sees who is signed in, which also shows a sign-in that someone else began."""
    text = Elements(
        signed_in_page(account_label="a@example.com", plan="plus", workspace="ws-1")
    ).text
    for expected in (
        "You are signed in",
        "a@example.com",
        "ChatGPT Plus",
        "ws-1",
        "You can close this tab and go back to your editor or terminal.",
    ):
        assert expected in text


def test_plan_without_a_known_name_is_shown_as_it_came():
    """New plans appear before anyone can name them."""
    assert (
        "sci_plus"
        in Elements(signed_in_page(account_label="a", plan="sci_plus", workspace=None)).text
    )


def test_absent_facts_have_no_row():
    """No empty label, no None."""
    text = Elements(signed_in_page(account_label="a", plan=None, workspace=None)).text
    assert "Plan" not in text
    assert "Workspace" not in text
    assert "None" not in text


def test_failed_page_gives_heading_and_explanation():
    """Both are texts of ours."""
    page = Elements(
        failed_page(heading="This sign-in did not work", explanation="It was declined.")
    )
    assert "This sign-in did not work" in page.text
    assert "It was declined." in page.text


def test_neutral_page_tells_nothing_of_the_outcome():
    """Whoever replays an address learns nothing."""
    text = Elements(neutral_page()).text
    assert "already been answered; you can close this tab" in text
    assert "signed in" not in text.lower().replace("sign-in", "")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_page_runs_and_loads_nothing(page: bytes):
    """(L21) The elements are those of the template, whatever is put in."""
    elements = Elements(page).tags
    allowed = "html head meta title style body main svg circle path h1 p dl div dt dd bdi footer"
    assert set(allowed.split()) >= {tag for tag, _ in elements}
    names = {name for _, attributes in elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src", "href")}
    assert b"url(" not in page
    assert b"@import" not in page


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_page_holds_no_control_or_bidi_character(page: bytes):
    """(L11) A label cannot turn the text around it."""
    text = page.decode("utf-8").replace("\n", "")
    assert [character for character in text if not character.isprintable()] == []


def test_long_texts_are_cut():
    """A page stays a page."""
    page = failed_page(heading="h" * 5000, explanation="e" * 100_000)
    assert page.count(b"e" * 200) == 1
    assert b"e" * 201 not in page
    assert b"h" * 201 not in page


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_page_is_accessible(page: bytes):
    """Language, title, one heading, landmarks; the drawing is decoration."""
    tags = Elements(page).tags
    assert ("html", {"lang": "en"}) in tags
    assert [tag for tag, _ in tags if tag in ("title", "main", "h1", "footer")] == [
        "title",
        "main",
        "h1",
        "footer",
    ]
    assert all(attributes.get("aria-hidden") == "true" for tag, attributes in tags if tag == "svg")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_policy_allows_the_one_style_of_the_page(page: bytes):
    """The hash in the policy is that of the bytes a browser sees."""
    (style,) = re.findall(rb"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    policy = dict(PAGE_HEADERS)["Content-Security-Policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_headers_keep_the_page_to_itself():
    """(L12) No cache, no referrer, no frame, no sniffing, no opener."""
    headers = dict(PAGE_HEADERS)
    del headers["Content-Security-Policy"]
    assert headers == {
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def test_what_is_typed_is_set_as_code():
    """No backticks: they are of messages, not of pages."""
    page = failed_page(heading="No", explanation="`forced` in <b> allows `a`; a lone ` stays.")

    assert (
        "<code>forced</code> in &lt;b&gt; allows <code>a</code>; a lone ` stays." in page.decode()
    )
