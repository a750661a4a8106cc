"""Who holds the ports of the redirect, in the kernel's own words and in a folder of ours."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.flows.callback_ports import (
    CALLBACK_PORTS,
    PortHolder,
    are_callback_ports_taken,
    port_holders,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode"


@contextmanager
def listening(*addresses: tuple[str, int]) -> Iterator[None]:
    """Listen on addresses, IPv6 where there is a colon."""
    sockets = []
    try:
        for host, port in addresses:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sockets.append(socket.create_server((host, port), family=family))
        yield
    finally:
        for held in sockets:
            held.close()


def table(*rows: tuple[str, int, str, int]) -> str:
    """Return a table of the kernel's: address, port, state and socket of each row."""
    lines = [
        f"   {n}: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 "
        f"00000000     0        0 {inode} 1 0000000000000000 100 0 0 10 0"
        for n, (address, port, state, inode) in enumerate(rows)
    ]
    return "\n".join([HEAD, *lines, ""])


def proc(folder: Path, tcp: str, tcp6: str = HEAD) -> Path:
    (folder / "net").mkdir()
    (folder / "net/tcp").write_text(tcp)
    (folder / "net/tcp6").write_text(tcp6)
    return folder


def test_ports_of_a_quiet_machine_are_free():
    """Nothing is bound to find that out."""
    assert not are_callback_ports_taken()


def test_one_port_is_enough():
    """1457 is as good as 1455."""
    with listening(("127.0.0.1", 1455)):
        assert not are_callback_ports_taken()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_two_held_ports_are_taken_and_the_holder_is_named(host):
    """By program and process, as far as the system tells."""
    with listening(*((host, port) for port in CALLBACK_PORTS)):
        taken, holders = are_callback_ports_taken(), port_holders()

    assert taken
    assert [(holder.port, holder.process_id) for holder in holders] == [
        (port, os.getpid()) for port in CALLBACK_PORTS
    ]
    assert all(f"(process {os.getpid()})" in str(holder) for holder in holders)


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
def test_l2_a_program_on_another_address_is_in_nobody_s_way(host):
    """The redirect goes to 127.0.0.1, so who sits on `::1` gets nothing and hinders nobody."""
    try:
        with listening(*((host, port) for port in CALLBACK_PORTS)):
            assert not are_callback_ports_taken()
    except OSError:
        pytest.skip(f"this machine has no {host}")


def test_a_connection_is_no_listener(tmp_path):
    """Only a listening socket holds a port."""
    folder = proc(tmp_path, table(*(("0100007F", port, "01", 7) for port in CALLBACK_PORTS)))

    assert [str(holder) for holder in port_holders(folder)] == [
        "1455 by another program",
        "1457 by another program",
    ]


def test_a_system_without_tables_names_nobody(tmp_path):
    """MacOS and Windows keep none."""
    assert port_holders(tmp_path) == tuple(PortHolder(port) for port in CALLBACK_PORTS)


def test_a_name_with_control_characters_does_nothing_on_a_screen(tmp_path):
    """A program calls itself what it likes."""
    folder = proc(tmp_path, table(("0100007F", 1455, "0A", 7), ("00000000", 1457, "0A", 8)))
    process = folder / "4242"
    (process / "fd").mkdir(parents=True)
    (process / "fd/3").symlink_to("socket:[7]")
    (process / "fd/4").symlink_to("/dev/null")
    (process / "comm").write_text("evil\x1b[2J\u202e\n")

    holders = port_holders(folder)

    assert holders[0] == PortHolder(1455, "evil[2J", 4242)
    assert holders[1] == PortHolder(1457)


def test_looking_keeps_nobody_from_binding():
    """A login in another window begins at the very moment in which this one looks."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            are_callback_ports_taken()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(200):
            with listening(("127.0.0.1", 1455)):
                pass
    finally:
        stop.set()
        thread.join()
