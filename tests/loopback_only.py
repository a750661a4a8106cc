"""No test talks to anybody but this machine: the guarantee, and how far it reaches here.

In this process an audit hook refuses to connect to, send to or look up any other host. Where the
tests run as root on Linux, they and every process that they start also live in a network namespace
that has loopback and nothing else, so nothing can leave by mistake, and no port is taken by others.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
import struct
import sys
from typing import Any

_CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_SIOCSIFFLAGS = 0x8914  # <linux/sockios.h>
_IFF_UP = 0x1  # <linux/if.h>


children_too = False
"""Whether every process that a test starts is kept in as well."""


class LeavesTheMachine(Exception):
    """A test was about to talk to another machine."""


def enforce() -> str:
    """Let this process reach loopback alone from now on; return in words how far that reaches."""
    global children_too
    sys.addaudithook(_audit)
    if sys.platform != "linux" or os.geteuid() != 0:
        return "loopback alone, for this process (as root on Linux: for its children too)"
    try:
        _enter_empty_network()
    except OSError as exc:
        return f"loopback alone, for this process (a network namespace: {exc.strerror})"
    children_too = True
    return "loopback alone, in a namespace of its own"


def _enter_empty_network() -> None:
    import fcntl

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    host = _HOST_OF.get(event)
    if host is not None and not _is_loopback(host(arguments)):
        raise LeavesTheMachine(f"{event} to {host(arguments)}")


def _host_of_address(arguments: tuple[Any, ...]) -> Any:
    address = arguments[1]  # a string for a Unix socket, None for a peer that is known already
    return address[0] if isinstance(address, tuple) else None


_HOST_OF = {
    "socket.connect": _host_of_address,
    "socket.sendto": _host_of_address,
    "socket.sendmsg": _host_of_address,
    "socket.getaddrinfo": lambda arguments: arguments[0],
    "socket.gethostbyname": lambda arguments: arguments[0],
}
"""The audit events of CPython's socket module that name another host, and where they name it."""


def _is_loopback(host: Any) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
