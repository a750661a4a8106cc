"""One question to the person at a time: those who need the answer wait for it together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from codex_auth_lsp.stores.abandon import AbandonableCalls, ensure_wanted
from codex_auth_lsp.stores.hanging import Hanging
from codex_auth_lsp.stores.question import Question
from stores.fake_vaults import PATIENCE, SHORT


class Dialog:
    """What stands on the screen until somebody answers; it counts how often it was opened."""

    def __init__(self) -> None:
        self.shown = threading.Semaphore(0)
        self.times = 0
        self.answered = threading.Event()
        self.went_on = threading.Event()
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.times += 1
        self.shown.release()
        self.answered.wait()
        ensure_wanted()
        self.went_on.set()
        if self.error is not None:
            raise self.error


@pytest.fixture
def dialog():
    dialog = Dialog()
    yield dialog
    dialog.answered.set()


@pytest.fixture
def returned():
    return threading.Semaphore(0)


@pytest.fixture
def question(returned):
    return Question(returned.release)


def test_answer_goes_to_everybody_who_waits_for_it(question, dialog):
    """However many ask, one dialog is shown, and one of them asked it."""
    with ThreadPoolExecutor(8) as windows:
        asked = [windows.submit(question.ask, dialog, PATIENCE) for _ in range(8)]
        assert dialog.shown.acquire(timeout=PATIENCE)
        while question._asked is None or question._asked.waiting < len(asked):
            pass
        dialog.answered.set()
        answers = [one.result(PATIENCE) for one in asked]

    assert (dialog.times, sorted(answers)) == (1, [False] * 7 + [True])


def test_refusal_goes_to_everybody_who_waits_for_it(question, dialog):
    """Nobody is asked again at once for what was just refused."""
    dialog.error = ValueError("no")
    with ThreadPoolExecutor(2) as windows:
        asked = [windows.submit(question.ask, dialog, PATIENCE) for _ in range(2)]
        while question._asked is None or question._asked.waiting < len(asked):
            pass
        dialog.answered.set()

        assert [str(one.exception(PATIENCE)) for one in asked] == ["no", "no"]


def test_question_that_nobody_waits_for_is_joined_and_not_asked_again(question, dialog):
    """It still stands on the screen, and the last who waits for it gets its answer."""
    for _ in range(4):
        with pytest.raises(Hanging):
            question.ask(dialog, SHORT)
    with ThreadPoolExecutor(1) as window:
        last = window.submit(question.ask, dialog, PATIENCE)
        while not question._asked.waiting:
            pass
        dialog.answered.set()

        assert last.result(PATIENCE) is False
    assert (dialog.times, dialog.went_on.is_set()) == (1, True)


def test_answer_that_nobody_waits_for_is_told_and_changes_nothing_more(question, dialog, returned):
    """The next one asks anew."""
    with pytest.raises(Hanging):
        question.ask(dialog, SHORT)
    assert not returned.acquire(blocking=False)
    dialog.answered.set()
    assert returned.acquire(timeout=PATIENCE)
    assert not dialog.went_on.is_set()

    assert question.ask(dialog, PATIENCE) is True
    assert dialog.times == 2


def test_wait_of_an_abandoned_call_ends_and_the_question_stays(question, dialog):
    """A sign-in that another one superseded."""
    calls, left = AbandonableCalls(), threading.Event()

    def sign_in() -> None:
        try:
            question.ask(dialog, PATIENCE)
        finally:
            left.set()

    with pytest.raises(Hanging):
        calls.call(sign_in, SHORT)

    assert left.wait(PATIENCE / 2)
    assert dialog.times == 1


def test_closing_lets_everybody_go(question, dialog):
    """A process that ends waits for no answer."""
    with ThreadPoolExecutor(1) as window:
        waiting = window.submit(question.ask, dialog, PATIENCE)
        assert dialog.shown.acquire(timeout=PATIENCE)
        question.close()
        with pytest.raises(Hanging):
            waiting.result(PATIENCE / 2)
    with pytest.raises(Hanging):
        question.ask(dialog, PATIENCE)

    assert dialog.times == 1
