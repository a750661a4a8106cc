"""A model of refreshes at the same time, and the search through every interleaving of its steps.

Actors: processes of ours, which take the turnstile, record, send, and commit by the decisions of
`service/refresh_rules.py` and `service/refresh_answer.py` (imported, not rewritten); a Codex-like
program, which sends without a lock and commits only over the token it sent; a person who signs out;
somebody who tidies up and removes the lock file or the record; the crash of a process of ours
between any two steps; answers that are lost on their way, or are not what they have to be; and
moments in which the file cannot be read or not be written. The issuer rotates, refuses a spent
token, and on request accepts it once more (grace) or ends the whole login (family).

A state is small and hashable, so the search visits each once and is complete for its bounds.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import IssuerResponseInvalid
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service import refresh_rules
from codex_auth_lsp.service.refresh_answer import take_answer
from codex_auth_lsp.service.refresh_rules import Refusal, Success, Turn
from e2e.shapes import id_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_auth_lsp.service.refresh_answer import Renewal

TORN = -1
"""A store whose content is no login."""

SIGN_OUT = "the person signs out"

_NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

SPENT_ONCE = "I1: one spend per token"
NEVER_OVER_ANOTHER = "I2: never overwrite another token"
LOGOUT_IS_FINAL = "I3: a logout is final"
ALWAYS_PARSES = "I4: the store always parses"
NO_NEED_TO_SIGN_IN = "I5: no new sign-in while a live token is stored"
NEVER_ENDS_A_LOGIN = "I6: a refresh never ends a login"
NEVER_DROPPED = "I7: what came for a spent token is kept"
INVARIANTS = (
    SPENT_ONCE,
    NEVER_OVER_ANOTHER,
    LOGOUT_IS_FINAL,
    ALWAYS_PARSES,
    NO_NEED_TO_SIGN_IN,
    NEVER_ENDS_A_LOGIN,
    NEVER_DROPPED,
)

WHOLE, BAD_ID_TOKEN, OF_A_STRANGER, WITHOUT_ACCESS = (
    "whole",
    "with a bad id token",
    "of another account",
    "without an access token",
)
"""What an answer with a new refresh token may be like."""

# Where a process of ours is.
IDLE, WAITING, INSIDE, RECORDED, ANSWERED, REFUSED, WRITING, KEPT, DONE, CRASHED = range(10)
# Where the Codex-like program is.
READ, SENT, COMMITTING, OVER = range(4)


class Ours(NamedTuple):
    """A process of ours: its place, the token that it saw, and the answer that it got."""

    place: int = IDLE
    seen: int = 0
    got: int = 0
    verdict: int | None = None
    """The token that it called dead."""


class Codex(NamedTuple):
    """A Codex-like program."""

    place: int = READ
    seen: int = 0
    got: int = 0


class State(NamedTuple):
    """Everything: the store, the issuer, the record, the turnstile and the actors."""

    stored: int | None
    live: frozenset[int]
    spent: frozenset[int]
    revoked: bool
    newest: int
    ours: tuple[Ours, ...]
    codex: tuple[Codex, ...]
    lock_of: int | None = None
    """Who holds the lock file."""
    folder_of: int | None = None
    """Who holds the folder, and so has the turn."""
    let_go: frozenset[int] = frozenset()
    """Live tokens that nobody has to keep: another one took their place, or their keeper died."""
    record: tuple[int, str] | None = None
    sends: tuple[tuple[int, int], ...] = ()
    """How often ours sent each token."""
    crashes: int = 0
    losses: int = 0
    """Answers that were lost."""
    disturbances: int = 0
    """How often the file could not be read."""
    readable: bool = True
    odd_answers: int = 0
    removals: int = 0
    """How often the lock file was removed."""
    forgettings: int = 0
    """How often the record was removed."""
    refusals: int = 0
    """How often the disk took nothing."""
    signed_out: bool = False


@dataclass(frozen=True)
class Rules:
    """The decisions, replaceable so that a planted defect can be looked for."""

    judge_turn: Callable[..., Turn] = refresh_rules.judge_turn
    judge_success: Callable[..., Success] = refresh_rules.judge_success
    judge_refusal: Callable[..., Refusal] = refresh_rules.judge_refusal
    atomic_write: bool = True
    unreadable_is_absent: bool = False
    forgets_unread_refusal: bool = False
    take_answer: Callable[..., Renewal] = take_answer
    locks_folder: bool = True
    forgets_unwritten: bool = False
    leaves_unwritten: bool = False


@dataclass(frozen=True)
class Bounds:
    """How much happens at the most."""

    ours: int = 2
    codex: int = 1
    crashes: int = 1
    sign_outs: int = 1
    losses: int = 0
    disturbances: int = 0
    odd_answers: int = 0
    removals: int = 0
    forgettings: int = 0
    refusals: int = 0
    refreshes: int = 2
    grace: bool = False
    family: bool = False


@dataclass
class Found:
    """What the search found."""

    states: int = 0
    depth: int = 0
    broken: dict[str, list[str]] = field(default_factory=dict)
    """Each broken invariant with the shortest way to it."""


def search(bounds: Bounds, rules: Rules | None = None) -> Found:
    """Visit every state that can be reached, breadth first, and check the invariants in each."""
    rules = rules or Rules()
    start = beginning(bounds)
    found = Found()
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([(start, 0)])
    while waiting:
        state, depth = waiting.popleft()
        found.states += 1
        found.depth = max(found.depth, depth)
        for step, following, broken in steps(state, bounds, rules):
            for name in broken:
                found.broken.setdefault(name, [*_way(came_from, state), step])
            if following not in came_from:
                came_from[following] = (state, step)
                waiting.append((following, depth + 1))
    return found


def beginning(bounds: Bounds) -> State:
    """Return the state in which nothing has happened yet: a login is stored, and it is live."""
    return State(
        stored=1,
        live=frozenset({1}),
        spent=frozenset(),
        revoked=False,
        newest=1,
        ours=(Ours(),) * bounds.ours,
        codex=(Codex(),) * bounds.codex,
    )


def _way(came_from: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    way = []
    while (origin := came_from[state]) is not None:
        state, step = origin
        way.append(step)
    return way[::-1]


Step = tuple[str, State, tuple[str, ...]]


def steps(state: State, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Yield each step that can be taken now: its name, the next state, the invariants it breaks."""
    for name, following, broken in _steps(state, bounds, rules):
        forgotten = following._replace(let_go=following.let_go & following.live)
        yield name, forgotten, (*broken, NEVER_DROPPED) if _dropped(forgotten) else broken


def _dropped(state: State) -> frozenset[int]:
    """Return the live tokens that are neither stored nor in anybody's hands."""
    hands = {actor.got for actor in state.ours if actor.place in (ANSWERED, WRITING, KEPT)}
    hands |= {program.got for program in state.codex if program.place == COMMITTING}
    return state.live - state.let_go - hands - {state.stored}


def _steps(state: State, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    for index, actor in enumerate(state.ours):
        yield from _steps_of_ours(state, index, actor, bounds, rules)
        may_crash = state.crashes < bounds.crashes and actor.place not in (IDLE, DONE, CRASHED)
        if may_crash:
            following = _with(state, index, Ours(place=CRASHED))
            torn = actor.place == WRITING and not rules.atomic_write
            yield (
                f"{_name(index)} crashes",
                _without_turn(following, index)._replace(
                    crashes=state.crashes + 1,
                    let_go=state.let_go | {actor.got},
                    stored=TORN if torn else state.stored,
                ),
                (ALWAYS_PARSES,) if torn else (),
            )
        if actor.place == CRASHED:
            yield f"{_name(index)} starts again", _with(state, index, Ours()), ()
    for index, program in enumerate(state.codex):
        yield from _steps_of_codex(state, index, program, bounds)
    if not state.readable:
        yield "the file can be read again", state._replace(readable=True), ()
    elif state.disturbances < bounds.disturbances:
        disturbed = state._replace(readable=False, disturbances=state.disturbances + 1)
        yield "the file cannot be read", disturbed, ()
    if state.lock_of is not None and state.removals < bounds.removals:
        removed = state._replace(lock_of=None, removals=state.removals + 1)
        yield "somebody removes the lock file", removed, ()
    if state.record is not None and state.forgettings < bounds.forgettings:
        forgotten = state._replace(record=None, forgettings=state.forgettings + 1)
        yield "somebody removes the record", forgotten, ()
    if not state.signed_out and bounds.sign_outs:
        yield (
            SIGN_OUT,
            state._replace(stored=None, signed_out=True, revoked=True, live=frozenset()),
            (),
        )


def _steps_of_ours(
    state: State, index: int, actor: Ours, bounds: Bounds, rules: Rules
) -> Iterator[Step]:
    name, stored = _name(index), _read(state)
    if actor.place == IDLE and stored is not None and state.stored != actor.verdict:
        yield f"{name} wants a refresh", _with(state, index, Ours(WAITING, state.stored)), ()
    elif actor.place == WAITING:
        if rules.judge_turn(login(actor.seen), stored) is not Turn.SPEND:
            yield f"{name} finds it done", _with(state, index, Ours(DONE)), ()
        elif state.lock_of is None and (state.folder_of is None or not rules.locks_folder):
            inside = _with(state, index, actor._replace(place=INSIDE))
            yield f"{name} enters", inside._replace(lock_of=index, folder_of=index), ()
    elif actor.place == INSIDE:
        refused = state.record == (actor.seen, "refused")
        if rules.judge_turn(login(actor.seen), stored) is not Turn.SPEND:
            yield f"{name} leaves", _leaving(state, index, Ours(DONE)), ()
        elif refused:
            yield (
                f"{name} knows of a refusal",
                _with(state, index, actor._replace(place=REFUSED)),
                (),
            )
        else:
            recorded = _with(state, index, actor._replace(place=RECORDED))
            yield f"{name} records", recorded._replace(record=(actor.seen, "sent")), ()
    elif actor.place == RECORDED:
        yield from _send(state, index, actor, bounds, rules)
    elif actor.place in (ANSWERED, WRITING, KEPT):
        yield from _fail_to_write(state, index, actor, bounds, rules)
        yield from _commit(state, index, actor, rules)
    elif actor.place == REFUSED:
        yield from _take_refusal(state, index, actor, rules)
    elif actor.place == DONE and state.newest < bounds.refreshes + 1:
        yield f"{name} goes on", _with(state, index, Ours()), ()


def _send(state: State, index: int, actor: Ours, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    sends = dict(state.sends)
    sends[actor.seen] = sends.get(actor.seen, 0) + 1
    # One retry is allowed for each crash and each lost answer that left an outcome unknown, and
    # for each record that is gone and with it the outcome.
    allowed = 1 + state.crashes + state.losses + state.forgettings
    broken = (SPENT_ONCE,) if sends[actor.seen] > allowed else ()
    sent = state._replace(sends=tuple(sorted(sends.items())))
    for answer, following in _issuer(sent, actor.seen, bounds):
        told = f"{_name(index)} sends {actor.seen} and"
        if answer is None:
            yield (
                f"{told} is refused",
                _with(following, index, actor._replace(place=REFUSED)),
                broken,
            )
            continue
        if state.losses < bounds.losses:
            lost = _leaving(following, index, Ours(DONE))._replace(
                losses=state.losses + 1, let_go=following.let_go | {answer}
            )
            yield f"{told} the answer is lost", lost, broken
        has_answer = _with(following, index, actor._replace(place=ANSWERED, got=answer))
        yield f"{told} gets {answer}", has_answer, broken
        if state.odd_answers < bounds.odd_answers:
            for kind in (BAD_ID_TOKEN, OF_A_STRANGER, WITHOUT_ACCESS):
                is_kept = answer == _token_taken(actor.seen, answer, kind, rules.take_answer)
                taken = has_answer if is_kept else _leaving(following, index, Ours(DONE))
                odd = taken._replace(odd_answers=state.odd_answers + 1)
                yield f"{told} gets {answer} {kind}", odd, broken


def _fail_to_write(
    state: State, index: int, actor: Ours, bounds: Bounds, rules: Rules
) -> Iterator[Step]:
    if actor.place != ANSWERED or state.refusals >= bounds.refusals:
        return
    name = f"{_name(index)} cannot write {actor.got}"
    refused = state._replace(refusals=state.refusals + 1)
    if rules.forgets_unwritten:
        yield f"{name} and forgets it", _leaving(refused, index, Ours(DONE)), ()
        return
    kept = _with(refused, index, actor._replace(place=KEPT))
    yield f"{name} yet", _without_turn(kept, index) if rules.leaves_unwritten else kept, ()


def _commit(state: State, index: int, actor: Ours, rules: Rules) -> Iterator[Step]:
    name = _name(index)
    if actor.place == ANSWERED and not rules.atomic_write:
        yield f"{name} begins to write", _with(state, index, actor._replace(place=WRITING)), ()
        return
    if not state.readable and not rules.unreadable_is_absent:
        return  # what it got is kept until the file can be read
    decision = rules.judge_success(login(actor.seen), _read(state))
    done = _leaving(state, index, Ours(DONE))
    if decision is Success.WRITE:
        broken = []
        if state.stored != actor.seen:
            broken.append(NEVER_OVER_ANOTHER)
        if state.signed_out:
            broken.append(LOGOUT_IS_FINAL)
        written = done._replace(stored=actor.got, record=(actor.seen, "done"))
        yield f"{name} writes {actor.got}", written, tuple(broken)
    elif decision is Success.REVOKE:
        revoked = done._replace(live=state.live - {actor.got}, record=(actor.seen, "done"))
        ended = () if state.signed_out else (NEVER_ENDS_A_LOGIN,)
        yield f"{name} revokes {actor.got}", revoked, ended
    else:
        adopted = done._replace(record=(actor.seen, "done"), let_go=state.let_go | {actor.got})
        yield f"{name} adopts", adopted, ()


def _take_refusal(state: State, index: int, actor: Ours, rules: Rules) -> Iterator[Step]:
    name = _name(index)
    if not state.readable and not rules.forgets_unread_refusal:
        unread = _leaving(state, index, Ours(DONE))._replace(record=(actor.seen, "refused"))
        yield f"{name} notes that {actor.seen} was refused", unread, ()
        return
    decision = rules.judge_refusal(login(actor.seen), _read(state))
    if decision is not Refusal.DEAD:
        yield f"{name} finds another login", _leaving(state, index, Ours(DONE)), ()
        return
    alive = state.stored is not None and state.stored in state.live
    broken = (NO_NEED_TO_SIGN_IN,) if alive else ()
    dead = _leaving(state, index, Ours(DONE, verdict=actor.seen))
    yield f"{name} calls {actor.seen} dead", dead._replace(record=(actor.seen, "refused")), broken


def _steps_of_codex(state: State, index: int, program: Codex, bounds: Bounds) -> Iterator[Step]:
    if program.place == READ and _read(state) is not None:
        read = _with_codex(state, index, Codex(SENT, state.stored))
        yield f"Codex {index} reads {state.stored}", read, ()
    elif program.place == SENT:
        for answer, following in _issuer(state, program.seen, bounds):
            told = program._replace(place=COMMITTING if answer else OVER, got=answer or 0)
            words = f"gets {answer}" if answer else "is refused"
            step = f"Codex {index} sends {program.seen} and {words}"
            yield step, _with_codex(following, index, told), ()
    elif program.place == COMMITTING:
        over = _with_codex(state, index, program._replace(place=OVER))
        wins = state.readable and state.stored == program.seen
        dropped = over._replace(let_go=state.let_go | {program.got})
        written = over._replace(stored=program.got) if wins else dropped
        yield f"Codex {index} {'writes' if wins else 'drops'} {program.got}", written, ()


def _issuer(state: State, token: int, bounds: Bounds) -> Iterator[tuple[int | None, State]]:
    """Yield the issuer's answers: a new token or a refusal, and what it remembers then."""
    if state.revoked:
        yield None, state
    elif token in state.live:
        newest = state.newest + 1
        live = state.live - {token} | {newest}
        yield newest, state._replace(live=live, spent=state.spent | {token}, newest=newest)
    elif bounds.grace and token in state.spent:
        yield max(state.live, default=None), state
    elif bounds.family:
        yield None, state._replace(live=frozenset(), revoked=True)
    else:
        yield None, state


@cache
def login(token: int) -> ChatGptCredential:
    """Return the login that holds a token; all tokens are of one sign-in."""
    return ChatGptCredential(
        id_token=Secret("id"),
        access_token=Secret(f"access {token}"),
        refresh_token=Secret(f"refresh {token}"),
        account_id="account",
        login_owner_id="owner",
    )


def credential(stored: int | None) -> ChatGptCredential | None:
    """Return what a reader of the store sees."""
    return None if stored in (None, TORN) else login(stored)


def _read(state: State) -> ChatGptCredential | None:
    return credential(state.stored) if state.readable else None


def _name(index: int) -> str:
    return f"window {index}"


def _with(state: State, index: int, actor: Ours) -> State:
    return state._replace(ours=(*state.ours[:index], actor, *state.ours[index + 1 :]))


def _with_codex(state: State, index: int, program: Codex) -> State:
    return state._replace(codex=(*state.codex[:index], program, *state.codex[index + 1 :]))


def _leaving(state: State, index: int, actor: Ours) -> State:
    return _without_turn(_with(state, index, actor), index)


def _without_turn(state: State, index: int) -> State:
    return state._replace(
        lock_of=None if state.lock_of == index else state.lock_of,
        folder_of=None if state.folder_of == index else state.folder_of,
    )


@cache
def _token_taken(seen: int, answer: int, kind: str, take: Callable[..., Renewal]) -> int | None:
    """Return which token the server would store after such an answer, None where it stores none."""
    body = {"access_token": f"access {answer}", "refresh_token": f"refresh {answer}"}
    if kind == BAD_ID_TOKEN:
        body["id_token"] = "no token"
    elif kind == OF_A_STRANGER:
        body["id_token"] = id_token(account_id="another account")
    elif kind == WITHOUT_ACCESS:
        del body["access_token"]
    try:
        renewal = take(Reply(200, {}, json.dumps(body).encode()), login(seen), _NOON)
    except IssuerResponseInvalid:
        return None
    return answer if renewal.login.refresh_token == login(answer).refresh_token else None
