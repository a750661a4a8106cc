"""Reading while somebody writes: a short run, with a planted writer that shows what torn is."""

from __future__ import annotations

from prove import torn
from prove.torn_worker import document, is_whole


async def test_no_reader_sees_half_a_login(tmp_path):
    """(S6) Two thousand reads; and torn ones are seen where a writer does not rename."""
    outcome = await torn.run(2000, tmp_path, lambda _: None)

    assert outcome.broken == []


def test_two_halves_of_two_logins_are_no_whole_one():
    """A login names its number in every part."""
    one, two = document(1).members, document(6).members

    assert is_whole(one)
    assert not is_whole({**one, "OPENAI_API_KEY": two["OPENAI_API_KEY"]})
    assert not is_whole({**one, "OPENAI_API_KEY": one["OPENAI_API_KEY"][:-1]})
    assert not is_whole({})
