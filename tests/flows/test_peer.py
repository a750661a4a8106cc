"""Whose program is at the other end of a loopback connection."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.flows import peer
from codex_auth_lsp.flows.loopback import LoopbackListener
from codex_auth_lsp.flows.peer import is_of_another_user
from codex_auth_lsp.oauth.authorization import AuthorizationCode, NotOurs
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the list of sockets is Linux's")

NOBODY = 65534
CONNECT = """
import socket, sys
connection = socket.socket({family})
connection.connect(("{address}", int(sys.argv[1])))
connection.send(b"x")
{then}
"""
STAY = "sys.stdin.read()"
CLOSE = "connection.close()"
NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can act for another user")


@contextmanager
def connected(
    *, user: int | None = None, family: str = "", address: str = "127.0.0.1", then: str = STAY
) -> Iterator[tuple[tuple[str, int], int]]:
    """Accept a connection of another program; yield its address and our port."""
    kind = socket.AF_INET6 if family else socket.AF_INET
    with closing(socket.socket(kind)) as listener:
        if family:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::" if family else "127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        script = CONNECT.format(family=family, address=address, then=then)
        program = subprocess.Popen(
            ["/usr/bin/env", "python3", "-I", "-c", script, str(port)],
            stdin=subprocess.PIPE,
            user=user,
        )
        accepted, source = listener.accept()
        with closing(accepted):
            assert accepted.recv(1) == b"x"
            if then == CLOSE:
                program.communicate()
            yield (source[0].removeprefix("::ffff:"), source[1]), port
        program.communicate()


@pytest.fixture
def as_user(monkeypatch):
    """Let this process pass for one of another user, whom the kernel does not know it for."""
    return lambda number: monkeypatch.setattr(peer.os, "getuid", lambda: number)


def test_own_program_is_none_of_another_user():
    """The person's browser."""
    with connected() as (source, port):
        assert is_of_another_user(source, port) is False


@NEEDS_ROOT
@pytest.mark.parametrize(
    ("own", "theirs", "expected"),
    [(1000, NOBODY, True), (NOBODY, NOBODY, False), (0, NOBODY, False), (1000, 0, False)],
)
def test_program_of_another_user_is_told_apart(as_user, own, theirs, expected):
    """(L24) Root, who reads everything anyway, is no stranger; nor is anybody to root."""
    as_user(own)
    with connected(user=theirs) as (source, port):
        assert is_of_another_user(source, port) is expected


@NEEDS_ROOT
def test_program_that_has_closed_its_end_cannot_pass_for_root(as_user):
    """The kernel gives a socket that nobody holds any more to root."""
    as_user(1000)
    with connected(user=NOBODY, then=CLOSE) as (source, port):
        assert is_of_another_user(source, port) is True


@NEEDS_ROOT
def test_program_that_speaks_ipv6_is_found_in_the_other_table(as_user):
    """Some programs open one kind of socket for both."""
    as_user(1000)
    with connected(user=NOBODY, family="socket.AF_INET6", address="::ffff:127.0.0.1") as (
        source,
        port,
    ):
        assert is_of_another_user(source, port) is True


def test_program_that_has_reset_its_connection_is_refused(as_user):
    """Its socket is gone from the list while what it sent is still being read."""
    as_user(1000)
    with connected() as (source, port):
        assert is_of_another_user((source[0], 1), port) is True


def test_nobody_is_refused_where_the_kernel_does_not_say(as_user, monkeypatch, tmp_path):
    """(L24) Without the lists, and in a user namespace, where strangers all look like one."""
    as_user(1000)
    with connected() as (source, port):
        monkeypatch.setattr(peer, "_TABLES", (tmp_path / "none",))
        without_list = is_of_another_user(source, port)
    (tmp_path / "map").write_text("0 100000 65536\n")
    monkeypatch.setattr(peer, "_USER_MAP", tmp_path / "map")
    with connected() as (source, port):
        in_namespace = is_of_another_user(source, port)

    assert (without_list, in_namespace) == (False, False)


ANSWER = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
request = f"GET /auth/callback?state=ours HTTP/1.1\\r\\nHost: 127.0.0.1:{sys.argv[1]}\\r\\n\\r\\n"
connection.sendall(request.encode())
connection.settimeout(10)
print(connection.recv(100).split()[1].decode())
"""


@NEEDS_ROOT
async def test_redirect_that_another_user_brings_is_refused_and_the_person_s_own_is_taken(as_user):
    """(L24) Even with the true state: the listener asks the kernel who connects."""
    as_user(1000)
    listener = LoopbackListener()
    await listener.open()
    code = AuthorizationCode(Secret("code-of-the-test"))
    listener.expect(lambda query: code if query == "state=ours" else NotOurs("Not this one."))
    try:
        theirs = await asyncio.create_subprocess_exec(
            *("/usr/bin/env", "python3", "-I", "-c", ANSWER, str(listener.port)),
            stdout=asyncio.subprocess.PIPE,
            user=NOBODY,
        )
        refused, _ = await theirs.communicate()
        listener.conclude(b"the last page")
        own = await asyncio.create_subprocess_exec(
            *("/usr/bin/env", "python3", "-I", "-c", ANSWER, str(listener.port)),
            stdout=asyncio.subprocess.PIPE,
        )
        taken, _ = await own.communicate()
        answer = await listener.answer()
    finally:
        await listener.close()

    assert (refused, taken) == (b"403\n", b"303\n")
    assert answer is code
