"""The parts of the proof: what each is called, what it does, how large it is, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prove import (
    beside_codex,
    callback_flood,
    crash,
    ends,
    faults,
    model_search,
    parent_deaths,
    request_flood,
    rotation,
    torn,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from prove.results import Outcome

    Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The full figures; `make prove` takes others from its variables."""

    kills: int = 2000
    processes: int = 32
    cycles: int = 100
    beside: int = 4
    rounds: int = 50
    reads: int = 100_000
    walks: int = 20_000
    keyring_kills: int = 200
    flood: int = 50_000
    requests: int = 20_000
    parents: int = 200
    seed: int = 20261126


@dataclass(frozen=True, slots=True)
class Page:
    """A chapter of the report."""

    name: str
    title: str
    text: str
    """What is done."""


@dataclass(frozen=True, slots=True)
class Part(Page):
    """One part."""

    run: Callable[[Sizes, Path, Say], Awaitable[Outcome]]
    needs: tuple[str, ...] = ()
    """Names of third-party parts, as `support.parts` knows them."""


async def _keyring(sizes: Sizes, folder: Path, say: Say) -> Outcome:
    from prove import keyring_part  # the Secret Service's library is there on Linux alone

    return await keyring_part.run(sizes.keyring_kills, sizes.seed, folder, say)


PARTS = (
    Part(
        "crash",
        "Killed at any moment",
        "A language server is killed with SIGKILL before one of the system calls that it makes "
        "between the receipt of a request and its announcement, by strace's injection: in a login "
        "with the browser and with an API key, in a refresh, and in a logout, in processes that "
        "have done it before and in new ones. Then a new one starts on the same folder, and what "
        "is stored is used: a ChatGPT login must be renewable, a key must be what is sent.",
        lambda sizes, folder, say: crash.run(sizes.kills, sizes.seed, folder, say),
        ("strace",),
    ),
    Part(
        "faults",
        "A disk that takes nothing",
        "Writes of one of two windows fail: in the kernel, where that can be made (a full file "
        "system, a read-only mount, no descriptors left), else by strace's injection. Before a "
        "request, nothing may be sent. During it, the new tokens must be kept, told and given out, "
        "and reach the disk when it takes them, for one token request in all.",
        lambda _, folder, say: faults.run(folder, say),
        ("strace",),
    ),
    Part(
        "ends",
        "Ended while a refresh is on its way",
        "The request is at the issuer when the editor or the system ends the language server, in "
        "every way that they have. The answer must still be stored.",
        lambda _, folder, say: ends.run(folder, say),
    ),
    Part(
        "rotation",
        "Many windows, one refresh token",
        "Many processes are told at the same moment to renew the same login, in many cycles, "
        "against npm's `oidc-provider`, which nobody here wrote and which ends the whole login as "
        "soon as one refresh token is used twice. A witness in front of its token endpoint notes "
        "what is sent and answered. `forced` renews a valid login; `due` one that is past its "
        "time, and then exactly one request may be made.",
        lambda sizes, folder, say: rotation.run(sizes.processes, sizes.cycles, folder, say),
        ("oidc-provider",),
    ),
    Part(
        "beside_codex",
        "Beside the real Codex CLI",
        "Real `codex app-server` processes and language servers of ours are told at the same "
        "moment to renew one login, in many rounds, each request being some tenths of a second on "
        "its way. The CLI takes no lock before it sends, so most of these requests are refused, "
        "ours as well. The issuer refuses a spent token and keeps the login, as OpenAI's answers "
        "are recorded.",
        lambda sizes, folder, say: beside_codex.run(
            sizes.rounds, sizes.beside, sizes.seed, folder, say
        ),
        ("codex",),
    ),
    Part(
        "torn",
        "Reading while somebody writes",
        "Two processes replace the login without a pause, by the store's own code, and two read it "
        "as fast as they can. A planted writer that writes in place shows that a torn read would "
        "be seen.",
        lambda sizes, folder, say: torn.run(sizes.reads, folder, say),
    ),
    Part(
        "model",
        "Every interleaving of a model",
        "A model of windows of ours, a Codex-like program, a person who signs out, somebody who "
        "removes lock files and records, crashes, lost and odd answers, and moments in which the "
        "file cannot be read or not be written: every order of their steps within the bounds of "
        "the table, each state once. The decisions are the server's own functions "
        "(`service/refresh_rules.py`, `service/refresh_answer.py`), imported. Beside the complete "
        "search, hypothesis walks through larger bounds. For each invariant a defect is planted "
        "that the search must find.",
        lambda sizes, _, say: model_search.run(sizes.walks, sizes.seed, say),
    ),
    Part(
        "keyring",
        "A real keyring",
        "gnome-keyring on a session bus of its own. Every store mode is used, by a login and a "
        "logout, in every state of the keyring: unlocked, locked, locked with a question that "
        "nobody answers, stopped, missing, and without a session bus. Windows that share its one "
        "item renew it at once; a window and the real Codex CLI sign in, renew and sign out in "
        "turns. Language servers are killed, half of them before system calls and half at moments "
        "drawn over the operation, and the keyring itself at such moments.",
        _keyring,
        ("keyring", "display", "codex", "strace"),
    ),
    Part(
        "callback_flood",
        "A flood of the redirect listener",
        "While a sign-in waits for the browser, a program beside it holds half-open connections to "
        "the redirect listener and sends forged redirects at an even pace, without waiting for an "
        "answer. In the middle of it the person's browser brings the true redirect, once, and the "
        "window asks for the state all the while.",
        lambda sizes, folder, say: callback_flood.run(
            callback_flood.Flood(300, sizes.flood, 10.0), 3, folder, say
        ),
    ),
    Part(
        "request_flood",
        "Requests without end",
        "A client sends thousands of requests at once. Every fourth is a renewal, which the issuer "
        "does not answer until all have been judged; the others are told at once or are unknown.",
        lambda sizes, folder, say: request_flood.run(sizes.requests, folder, say),
    ),
    Part(
        "parent_deaths",
        "Editors that are killed",
        "The process that `initialize` names is killed while somebody else holds the pipe open, so "
        "that nothing but the kernel can tell the language server: before `initialized`, at rest, "
        "and while a sign-in waits for the browser; and where nobody has taken note of its end, "
        "which leaves its number taken.",
        lambda sizes, folder, say: parent_deaths.run(sizes.parents, folder, say),
    ),
)

FUZZ = Page(
    "fuzz",
    "What nobody should send",
    "`make fuzz` sends odd and hostile input, made from a seed: messages and frames to a real "
    "language server over its pipes, requests to the redirect listener of a sign-in that waits "
    "and is then finished, and files, tokens and answers to what reads them. A message that asks "
    "for an answer must get exactly one; a file is read or refused; nothing that comes out may "
    "hold a secret that went in.",
)

COVERAGE = Page(
    "coverage",
    "What the tests run",
    "`make coverage` measures the lines and the branches that run while the tests do, in the test "
    "process and in every process of ours that a test starts, isolated ones included.",
)

MUTATE = Page(
    "mutate",
    "What the tests notice",
    "`make mutate` changes one small thing at a time in `oauth/` and in the parts of `stores/` "
    "that touch no disk and no keyring, by mutmut: an operator, a number, a text, an argument that "
    "is left out. For each change the tests that reach it run, inside one process; a change that "
    "none of them notices survives.",
)

PAGES = (*PARTS, FUZZ, COVERAGE, MUTATE)
"""The chapters, in their order."""
