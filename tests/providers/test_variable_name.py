"""Names of variables, and keys that somebody has pasted in their place."""

from __future__ import annotations

import secrets
import string

import pytest

from codex_auth_lsp.providers.variable_name import variable_name

NAMES = [
    "OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "LAB_KEY", "lab_key", "_key", "key2", "S3_KEY",
    "K8S_TOKEN", "AZUREOPENAIAPIKEY2", "labKey", "GROQ_API_KEY_2026", "OAUTH2_TOKEN", "MyKey1",
    "INTERNALGATEWAYTOKENOFTHELAB",
]  # fmt: skip
HEX, BASE62 = "0123456789abcdef", string.ascii_letters + string.digits
FORMS = {
    "sk-proj": ("sk-proj-", BASE62, 48),
    "sk": ("sk-", BASE62, 48),
    "groq": ("gsk_", BASE62, 52),
    "hugging face": ("hf_", BASE62, 34),
    "aws": ("AKIA", string.ascii_uppercase + string.digits, 16),
    "google": ("AIzaSy", BASE62, 33),
    "stripe": ("sk_live_", BASE62, 24),
    "hex": ("a", HEX, 31),
    "short": ("", BASE62, 20),
}


@pytest.mark.parametrize("name", NAMES)
def test_name_is_a_name_whether_or_not_it_is_set(name):
    """Who reads that it is not set has to know which."""
    assert (variable_name(name, {}), variable_name(name, {name: "x"})) == (name, name)


@pytest.mark.parametrize("form", FORMS)
def test_key_is_no_name(form):
    """(S21) The forms of well-known providers."""
    prefix, letters, length = FORMS[form]
    for _ in range(100):
        random = "".join(secrets.choice(letters) for _ in range(length - 3)) + "aB7"
        key = prefix + random[:-3] + "7" + random[-3:]
        assert variable_name(key, {}) is None


@pytest.mark.parametrize("text", [None, "", " ", "a b", "LAB KEY", "LAB-KEY", "LAB=KEY", "1A"])
def test_what_no_shell_takes_is_no_name(text):
    """Set or not."""
    assert variable_name(text, {text or "": "x"}) is None


def test_variable_that_is_set_is_a_name_whatever_it_looks_like():
    """Nobody has set a variable that is called like their key."""
    name = "d41d8cd98f00b204e9800998ecf8427e"

    assert (variable_name(name, {}), variable_name(name, {name: "x"})) == (None, name)
