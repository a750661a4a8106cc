"""`auth.json` in every shape, read and written as the Codex CLI 0.169.0 does it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    ForeignCredential,
)
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.document import (
    Document,
    DocumentInvalid,
    login_document,
    parse_document,
    refreshed_document,
)
from e2e.shapes import EXAMPLE_KEY_FILE, codex_bytes, id_token

ID_TOKEN = id_token()
TOKENS = {"id_token": ID_TOKEN, "access_token": "at-1", "refresh_token": "rt-1"}
OLD_LOGIN = ChatGptCredential(Secret(ID_TOKEN), Secret("at-1"), Secret("rt-1"))
WHOLE_TOKENS = {
    **TOKENS,
    "oauth_provenance": {"issuer": "https://auth.example.com", "client_id": "app_example"},
    "login_owner_id": "owner",
    "account_id": "acct",
}
LAST_REFRESH = datetime(2026, 11, 23, 10, 32, 42, 873813, tzinfo=UTC)
WHOLE_LOGIN = ChatGptCredential(
    id_token=Secret(ID_TOKEN),
    access_token=Secret("at-1"),
    refresh_token=Secret("rt-1"),
    last_refresh=LAST_REFRESH,
    account_id="acct",
    issuer="https://auth.example.com",
    client_id="app_example",
    login_owner_id="owner",
    api_key=Secret("sk-1"),
)
BEDROCK_KEY = {"bedrock_api_key": {"api_key": "x", "region": "eu-west-1"}}
BEDROCK = BedrockKeyCredential(Secret("x"), "eu-west-1")
BEDROCK_KEYS = {"bedrock_access_keys": {"access_key_id": "x", "secret_access_key": "y"}}

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
UNKNOWN = st.dictionaries(
    NAMES.map(lambda name: f"x_{name}"),
    st.recursive(
        st.none() | st.booleans() | st.integers() | NAMES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


def read(members: object) -> Document:
    return parse_document(json.dumps(members).encode())


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        # API keys, from the oldest form to the newest
        ({"OPENAI_API_KEY": "sk-1"}, ApiKeyCredential(Secret("sk-1"))),
        ({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"}, ApiKeyCredential(Secret("sk-1"))),
        ({"auth_mode": None, "OPENAI_API_KEY": "sk-1"}, ApiKeyCredential(Secret("sk-1"))),
        ({"OPENAI_API_KEY": "sk-1", "tokens": TOKENS}, ApiKeyCredential(Secret("sk-1"))),
        ({"OPENAI_API_KEY": "sk-1", "tokens": None}, ApiKeyCredential(Secret("sk-1"))),
        # ChatGPT logins
        ({"tokens": TOKENS}, OLD_LOGIN),
        ({"OPENAI_API_KEY": None, "tokens": TOKENS, "last_refresh": None}, OLD_LOGIN),
        ({"auth_mode": "chatgpt", "tokens": TOKENS}, OLD_LOGIN),
        ({"auth_mode": "chatgptAuthTokens", "tokens": TOKENS}, OLD_LOGIN),
        (
            {
                "auth_mode": "chatgpt",
                "OPENAI_API_KEY": "",
                "tokens": {**TOKENS, "account_id": None},
            },
            OLD_LOGIN,
        ),
        (
            {
                "auth_mode": "chatgpt",
                "OPENAI_API_KEY": "sk-1",
                "tokens": WHOLE_TOKENS,
                "last_refresh": "2026-11-23T10:32:42.873813055Z",
            },
            WHOLE_LOGIN,
        ),
        (
            {"tokens": {**TOKENS, "refresh_token": ""}},
            ChatGptCredential(Secret(ID_TOKEN), Secret("at-1"), Secret("")),
        ),
        ({"tokens": {**TOKENS, "oauth_provenance": {}}}, OLD_LOGIN),
        # others
        (
            {"OPENAI_API_KEY": None, "personal_access_token": "at-x"},
            AccessTokenCredential(Secret("at-x")),
        ),
        (
            {"auth_mode": "personalAccessToken", "personal_access_token": "at-x"},
            AccessTokenCredential(Secret("at-x")),
        ),
        (
            {"OPENAI_API_KEY": "sk-1", "personal_access_token": "at-x", **BEDROCK_KEY},
            AccessTokenCredential(Secret("at-x")),
        ),
        ({"OPENAI_API_KEY": "sk-1", **BEDROCK_KEY}, BEDROCK),
        (BEDROCK_KEYS, ForeignCredential("bedrockAccessKeys")),
        (
            {"auth_mode": "bedrockApiKey", **BEDROCK_KEY},
            BedrockKeyCredential(Secret("x"), "eu-west-1"),
        ),
        ({"auth_mode": "agentIdentity", "agent_identity": "x"}, ForeignCredential("agentIdentity")),
        # valid, and nobody is signed in
        ({}, None),
        ({"auth_mode": "chatgpt"}, None),
        ({"agent_identity": "x"}, None),
        ({"OPENAI_API_KEY": None, "tokens": None, "last_refresh": None}, None),
        ({"x_future": 1}, None),
    ],
)
def test_shape_of_every_codex_version_is_read(members, expected):
    """The mode says what counts; where it is missing, the Codex CLI's order of guesses does."""
    assert expected == read(members).credential


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], "it is not a JSON object"),
        (None, "it is not a JSON object"),
        ("text", "it is not a JSON object"),
        ({"auth_mode": "ApiKey", "OPENAI_API_KEY": "sk-1"}, "`auth_mode` is not one that"),
        ({"auth_mode": 7}, "`auth_mode` is not one that"),
        ({"auth_mode": ["apikey"]}, "`auth_mode` is not one that"),
        ({"auth_mode": "headers"}, "it holds credentials that only their own"),
        ({"auth_mode": "apikey"}, "`OPENAI_API_KEY` is missing or not a string"),
        ({"auth_mode": "apikey", "OPENAI_API_KEY": 7}, "`OPENAI_API_KEY` is missing or not a"),
        ({"OPENAI_API_KEY": ""}, "`OPENAI_API_KEY` is empty"),
        ({"OPENAI_API_KEY": " \n"}, "`OPENAI_API_KEY` is empty"),
        ({"OPENAI_API_KEY": {"key": "x"}}, "`OPENAI_API_KEY` is missing or not a string"),
        ({"personal_access_token": ""}, "`personal_access_token` is empty"),
        ({"personal_access_token": 7}, "`personal_access_token` is missing or not a string"),
        ({"tokens": []}, "`tokens` is not an object"),
        ({"tokens": {}}, "`id_token` is missing"),
        ({"tokens": {**TOKENS, "id_token": "a.b.c"}}, "`tokens.id_token` is not a JSON Web Token"),
        ({"tokens": {**TOKENS, "id_token": "e30.e30."}}, "`tokens.id_token` is not a JSON Web"),
        ({"tokens": {**TOKENS, "id_token": {"raw": "x"}}}, "`id_token` is missing or not a string"),
        ({"tokens": {**TOKENS, "access_token": None}}, "`access_token` is missing"),
        ({"tokens": {k: TOKENS[k] for k in ("id_token", "access_token")}}, "`refresh_token` is"),
        ({"tokens": {**TOKENS, "account_id": 7}}, "`account_id` is missing or not a string"),
        ({"tokens": {**TOKENS, "oauth_provenance": "x"}}, "`tokens.oauth_provenance` is not an"),
        ({"tokens": {**TOKENS, "oauth_provenance": {"issuer": 7}}}, "`issuer` is missing or not"),
        ({"tokens": TOKENS, "last_refresh": "2026-11-23T10:32:42"}, "`last_refresh` is not a date"),
        ({"tokens": TOKENS, "last_refresh": 1763893962}, "`last_refresh` is not a date"),
        ({"tokens": TOKENS, "OPENAI_API_KEY": 7, "auth_mode": "chatgpt"}, "`OPENAI_API_KEY` is"),
    ],
)
def test_what_codex_would_not_load_is_no_login(members, expected):
    """The reason names the member and repeats no value."""
    with pytest.raises(DocumentInvalid, match=f"^{expected}") as caught:
        read(members)

    for value in ("sk-1", "at-1", "rt-1", ID_TOKEN):
        assert value not in str(caught.value)


def test_key_login_is_written_as_codex_writes_it():
    """The 58 bytes of `printf sk-test | codex login --with-api-key`."""
    assert login_document(ApiKeyCredential(Secret("sk-test")), None).render() == EXAMPLE_KEY_FILE


@pytest.mark.parametrize("api_key", [None, "sk-1"])
def test_chatgpt_login_is_written_in_codex_order(api_key):
    """`OPENAI_API_KEY` always stands there, null where there is none; the time is UTC with `Z`."""
    credential = replace(WHOLE_LOGIN, api_key=Secret(api_key) if api_key else None)
    expected = {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": api_key,
        "tokens": WHOLE_TOKENS,
        "last_refresh": "2026-11-23T10:32:42.873813Z",
    }

    assert codex_bytes(expected) == login_document(credential, None).render()


@pytest.mark.parametrize("login", [WHOLE_LOGIN, ApiKeyCredential(Secret("sk-1"))])
@given(UNKNOWN, UNKNOWN)
def test_new_login_replaces_what_codex_knows_and_keeps_the_rest(login, unknown, in_tokens):
    """Whatever was stored before: none of its credentials survives, every unknown member does."""
    old = read(
        {
            "personal_access_token": "at-old",
            "tokens": {**TOKENS, **in_tokens},
            "OPENAI_API_KEY": "sk-old",
            "agent_identity": "old",
            "last_refresh": "2020-01-01T00:00:00Z",
            **BEDROCK_KEY,
            **BEDROCK_KEYS,
            **unknown,
        }
    )
    new = login_document(login, old)

    assert login == parse_document(new.render()).credential
    assert {**json.loads(login_document(login, None).render()), **unknown} == json.loads(
        new.render()
    )
    assert b"old" not in login_document(login, read({"OPENAI_API_KEY": "sk-old"})).render()


@given(UNKNOWN, UNKNOWN, UNKNOWN, st.permutations([*WHOLE_TOKENS]))
def test_refresh_changes_three_tokens_and_the_time_and_nothing_else(top, inner, deep, order):
    """Unknown members survive at every level, and so does the order of all of them."""
    tokens = {name: WHOLE_TOKENS[name] for name in order}
    tokens["oauth_provenance"] = {**WHOLE_TOKENS["oauth_provenance"], **deep}
    before = {
        **top,
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": "sk-1",
        "last_refresh": "2020-01-01T00:00:00Z",
        "tokens": {**tokens, **inner},
    }
    renewed = ChatGptCredential(
        Secret(id_token(name="renewed")), Secret("at-2"), Secret("rt-2"), LAST_REFRESH
    )
    after = json.loads(refreshed_document(read(before), renewed).render())

    expected = copy.deepcopy(before)
    expected["last_refresh"] = "2026-11-23T10:32:42.873813Z"
    expected["tokens"] |= {
        "id_token": id_token(name="renewed"),
        "access_token": "at-2",
        "refresh_token": "rt-2",
    }
    assert json.dumps(expected) == json.dumps(after)


URL = "https://auth.example.com"
RECORD = WHOLE_TOKENS["oauth_provenance"]
ENDPOINTS = {"token_endpoint": f"{URL}/token", "revocation_endpoint": f"{URL}/revoke"}


def recorded(**record: object) -> Document:
    return read({"tokens": {**WHOLE_TOKENS, "oauth_provenance": record}})


def test_endpoints_of_an_issuer_of_forms_are_kept_with_the_login():
    """In the record of who issued it, behind what Codex writes there."""
    login = replace(WHOLE_LOGIN, **ENDPOINTS)
    stored = json.loads(login_document(login, None).render())["tokens"]["oauth_provenance"]

    assert list(stored.items()) == [*RECORD.items(), *ENDPOINTS.items()]
    assert recorded(**stored).credential == replace(login, last_refresh=None, api_key=None)


@pytest.mark.parametrize(
    "value",
    [
        "https://evil.example/token",
        "https://auth.example.com.evil.example/token",
        "https://auth.example.com:8443/token",
        "http://auth.example.com/token",
        "http://127.0.0.1/token",
        "/token",
        "",
        7,
        None,
        {"url": f"{URL}/token"},
    ],
)
def test_a_recorded_endpoint_counts_on_the_issuer_s_own_origin_alone(value):
    """Anything else is a member that is not known: it stays, and nothing is sent there."""
    document = recorded(**RECORD, token_endpoint=value, revocation_endpoint=value)
    credential = document.credential
    assert isinstance(credential, ChatGptCredential)
    after = json.loads(refreshed_document(document, credential).render())

    assert (credential.token_endpoint, credential.revocation_endpoint) == (None, None)
    assert after["tokens"]["oauth_provenance"] == document.members["tokens"]["oauth_provenance"]


@pytest.mark.parametrize("issuer", [OPENAI_ISSUER, f"{OPENAI_ISSUER}/", None])
def test_openai_s_issuer_has_no_recorded_endpoints(issuer):
    """Its routes are fixed, whatever a file says."""
    credential = recorded(issuer=issuer, token_endpoint=f"{OPENAI_ISSUER}/other").credential

    assert isinstance(credential, ChatGptCredential)
    assert credential.token_endpoint is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ENDPOINTS, {**RECORD, "x": [1], **ENDPOINTS}),
        (
            {"token_endpoint": f"{URL}/oauth/token"},
            {**RECORD, "x": [1], "token_endpoint": f"{URL}/oauth/token"},
        ),
        ({}, {**RECORD, "x": [1], "token_endpoint": "https://evil.example/"}),
    ],
)
def test_a_refresh_writes_what_it_found_out(found, expected):
    """Beside what stands there; an endpoint that did not count is replaced by one that does."""
    before = recorded(**RECORD, x=[1], token_endpoint="https://evil.example/")
    after = json.loads(refreshed_document(before, replace(WHOLE_LOGIN, **found)).render())

    assert after["tokens"]["oauth_provenance"] == expected


def test_what_was_found_out_is_written_beside_a_record_alone():
    """A login without one is OpenAI's, whose routes are fixed."""
    found = replace(WHOLE_LOGIN, **ENDPOINTS)
    after = json.loads(refreshed_document(read({"tokens": TOKENS}), found).render())

    assert "oauth_provenance" not in after["tokens"]


def test_refresh_adds_the_time_where_there_was_none():
    """Older files have none."""
    after = refreshed_document(read({"tokens": TOKENS}), WHOLE_LOGIN)

    assert json.loads(after.render())["last_refresh"] == "2026-11-23T10:32:42.873813Z"


def test_document_in_a_log_line_shows_no_member():
    """It holds the tokens as plain text, and a log line or a traceback must not."""
    assert repr(read({"tokens": TOKENS})) == "Document()"


@pytest.mark.parametrize("stored", [None, "sk-1", ["sk-1"]])
def test_bedrock_key_that_is_none_is_told_by_its_member(stored):
    """And not by what stands there."""
    raw = json.dumps({"auth_mode": "bedrockApiKey", "bedrock_api_key": stored}).encode()

    with pytest.raises(DocumentInvalid) as caught:
        parse_document(raw)

    assert str(caught.value) == "`bedrock_api_key` is missing or not an object"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "it is empty"),
        (b"[]", "it is not a JSON object"),
        (b'{"auth_mode": "other"}', "`auth_mode` is not one that Codex knows"),
    ],
)
def test_what_is_no_login_is_told_in_these_words(raw, why):
    """They end a sentence that a person reads."""
    with pytest.raises(DocumentInvalid) as caught:
        parse_document(raw)

    assert str(caught.value) == why
