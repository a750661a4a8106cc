"""Many windows, one refresh token: a short run, and a witness who sees what goes wrong."""

from __future__ import annotations

import asyncio

import pytest

from e2e.shapes import access_token
from prove import rotation
from prove.issuer import ProvingIssuer
from prove.login import LoginFile
from prove.recorder import TokenRequest, breaks_in_chain
from prove.rotation import DUE, FORCED, Cycle, Rotated, judge
from prove.windows import windows


def requests(*pairs: tuple[str, str | None]) -> list[TokenRequest]:
    """Return requests that sent the first and got the second of each pair."""
    return [
        TokenRequest(number, sent, "ours", 200 if got else 400, f"access {got}", got)
        for number, (sent, got) in enumerate(pairs, 1)
    ]


@pytest.mark.part("oidc-provider")
async def test_each_rotation_costs_one_request_and_no_token_is_sent_twice(tmp_path):
    """Four windows and three cycles; the issuer would end the login at the first slip."""
    outcome = await rotation.run(4, 3, tmp_path, lambda _: None)

    assert (outcome.failures, outcome.broken) == ([], [])


@pytest.mark.part("oidc-provider")
async def test_an_issuer_of_forms_sees_the_same(tmp_path):
    """It takes nothing else, so a slip back into JSON would be a refusal."""
    rotated = await rotation.rotate(4, 3, tmp_path, lambda _: None, forms=True)

    assert judge(3, rotated).broken == []


@pytest.mark.parametrize("asked", [("auth/credential", {}), ("auth/refresh", {"force": True})])
async def test_windows_share_the_work_where_the_issuer_keeps_the_refresh_token(tmp_path, asked):
    """RFC 6749 section 6: an answer may bring a new access token alone."""
    file = LoginFile.make(tmp_path)
    async with ProvingIssuer.start() as issuer:
        login = issuer.new_login()
        file.write(login)
        async with windows(4, tmp_path, file.folder, issuer.url) as clients:
            for client in clients:
                await client.request("auth/refresh", {})
            renewed = {"access_token": access_token(valid_for=3600)}
            issuer.answer_refreshes_with(renewed)
            due = {"access_token": access_token(valid_for=-60)}
            file.write({**login, "tokens": login["tokens"] | due})

            await asyncio.gather(*(client.request(*asked) for client in clients))

        assert issuer.count("refresh") == 1
    assert file.read()["tokens"] == login["tokens"] | renewed


def test_a_chain_has_no_breaks():
    """Each request sends what the one before it got."""
    chain = requests(("a", "b"), ("b", "c"))

    assert breaks_in_chain(chain, "a", "c") == []


@pytest.mark.parametrize(
    ("pairs", "last"),
    [
        ([("a", "b"), ("a", "c")], "c"),
        ([("a", "b"), ("a", None)], "b"),
        ([("a", "b"), ("x", "c")], "c"),
        ([("x", "b")], "b"),
        ([("a", "b")], "a"),
        ([("a", "b")], "x"),
    ],
    ids=["two branches", "a reuse", "a stranger", "a wrong beginning", "not stored", "not known"],
)
def test_whatever_is_no_chain_is_found(pairs, last):
    """The beginning, each link and the end."""
    assert breaks_in_chain(requests(*pairs), "a", last) != []


@pytest.mark.parametrize(
    "bad",
    [
        {"cycles": [Cycle(DUE, 2, [], 0)]},
        {"cycles": [Cycle(DUE, 0, [], 0)]},
        {"cycles": [Cycle(FORCED, 1, ["-32803"], 0)]},
        {"cycles": [Cycle(DUE, 1, [], 1)]},
        {"cycles": []},
        {"requests": requests(("a", None))},
        {"breaks": ["somewhere"]},
        {"refusals": ["invalid_grant"]},
        {"asked_to_sign_in": 1},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_a_promise_that_did_not_hold_is_found(bad):
    """Whatever it is, a claim fails."""
    good = Rotated(2, [Cycle(DUE, 1, [], 0)], requests(("a", "b")))
    assert judge(1, good).broken == []

    for name, value in bad.items():
        setattr(good, name, value)

    assert len(judge(1, good).broken) == 1
