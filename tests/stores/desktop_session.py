"""A desktop session for tests: a session bus, a keyring daemon and a display, all of its own.

The real dbus-daemon, gnome-keyring-daemon and Xvfb, each ended by its own handle. Nothing of the
machine's session is seen, and its keyring is never touched.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import secretstorage
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
from secretstorage.util import add_match_rules, format_secret, open_session

from e2e.waiting import LOOK_AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

PASSWORD = "opensesame"

_SEARCHES = 20
START_SECONDS = 20.0
"""How long each program may take to start or to end; they take some tens of milliseconds."""

SERVICE_FILES = Path("/usr/share/dbus-1/services")
PROMPTER = "org.gnome.keyring.SystemPrompter.service"
KEYRING = "org.freedesktop.secrets.service"

_BUS_CONFIGURATION = """<!DOCTYPE busconfig
 PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass
class DesktopSession:
    """What runs in the session, and the environment in which a program finds it."""

    folder: Path
    environment: dict[str, str]
    bus: subprocess.Popen[bytes]
    _stack: ExitStack
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of the session bus."""
        return self.environment["DBUS_SESSION_BUS_ADDRESS"]

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process find the session as every program in it does."""
        for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, self.environment[name])

    def start_keyring(self, password: str | None = PASSWORD) -> subprocess.Popen[bytes]:
        """Start the keyring daemon; wait until it serves.

        Args:
            password: What unlocks its keyring, which is made where there is none; None leaves it
                locked, as it is when the bus starts the daemon.
        """
        unlock = [] if password is None else ["--unlock"]
        daemon = self._stack.enter_context(
            _running(
                ["gnome-keyring-daemon", "--foreground", "--components=secrets", *unlock],
                self.environment,
                stdin=subprocess.PIPE,
            )
        )
        self.daemons.append(daemon)
        assert daemon.stdin is not None
        with daemon.stdin as stdin:
            stdin.write((password or "").encode())
        deadline = time.monotonic() + START_SECONDS
        with self.connection() as connection:
            while not secretstorage.check_service_availability(connection):
                assert time.monotonic() < deadline, "the keyring daemon does not serve"
                time.sleep(LOOK_AGAIN)
            if password is not None:
                assert not secretstorage.Collection(connection).is_locked()
        return daemon

    def unlock(self, password: str = PASSWORD) -> None:
        """Unlock the keyring as the desktop does when a person signs in to it."""
        with self.connection() as connection:
            session = open_session(connection)
            address = DBusAddress(
                "/org/freedesktop/secrets",
                bus_name="org.freedesktop.secrets",
                interface="org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
            )
            secret = format_secret(session, password.encode(), "text/plain")
            call = new_method_call(
                address,
                "UnlockWithMasterPassword",
                "o(oayays)",
                (secretstorage.get_default_collection(connection).collection_path, secret),
            )
            reply = connection.send_and_get_reply(call)
            assert reply.header.message_type is MessageType.method_return, reply.body

    def lock(self) -> None:
        """Lock the keyring as a desktop does when it locks the screen."""
        with self.connection() as connection:
            secretstorage.get_default_collection(connection).lock()

    @contextmanager
    def connection(self) -> Iterator[secretstorage.DBusConnection]:
        """Give a connection to the session bus."""
        connection = open_dbus_connection(self.address)
        try:
            add_match_rules(connection)
            yield connection
        finally:
            connection.close()

    def items(self, **attributes: str) -> list[Item]:
        """Return what a search in the unlocked keyring finds.

        Without the schema, which the daemon shows of an item at some times and not at others. When
        one goes away meanwhile, it is searched again.
        """
        with self.connection() as connection:
            for attempt in range(_SEARCHES):
                try:
                    items = list(secretstorage.search_items(connection, attributes))
                    return [_shown(item) for item in items]
                except secretstorage.ItemNotFoundException:
                    if attempt == _SEARCHES - 1:
                        raise
        return []

    def run(self, *command: str, text: str = "") -> str:
        """Run a program of the desktop to its end and return what it said."""
        return subprocess.run(
            command,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        ).stdout

    def dialogs(self) -> list[str]:
        """Return the windows in which the keyring asks the person something, by their numbers."""
        return self.run("xdotool", "search", "--onlyvisible", "--class", "gcr-prompter").split()

    def type(self, text: str) -> None:
        """Type a text and press Enter, as a person does."""
        self.run("xdotool", "type", "--delay", "10", text)
        self.press("Return")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other; each is named as xdotool names it."""
        self.run("xdotool", "key", "--delay", "10", *keys)


@dataclass(frozen=True)
class Item:
    """An item of the keyring."""

    label: str
    attributes: dict[str, str]
    secret: str


@contextmanager
def desktop_session(
    folder: Path, *, display: str | None = None, services: tuple[str, ...] = (PROMPTER,)
) -> Iterator[DesktopSession]:
    """Run a session bus until the block ends; the keyring daemon is started when asked for.

    Args:
        folder: Where home, sockets and keyrings go; its path must be short, as a socket's is.
        display: The X display on which the keyring may ask, none for a machine without one.
        services: The service files of programs that the bus starts by itself.
    """
    runtime, home, service_folder = (folder / name for name in ("run", "home", "services"))
    for path in (runtime, home, service_folder):
        path.mkdir(mode=0o700)
    for name in services:
        (service_folder / name).symlink_to(SERVICE_FILES / name)
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "LANG": "C.UTF-8",
        "GSETTINGS_BACKEND": "memory",
        "NO_AT_BRIDGE": "1",
        **({"DISPLAY": display} if display else {}),
    }
    address = f"unix:path={runtime}/bus"
    configuration = folder / "bus.conf"
    configuration.write_text(_BUS_CONFIGURATION.format(address=address, services=service_folder))
    with ExitStack() as stack:
        bus = stack.enter_context(
            _running(
                ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
                environment,
                stdout=subprocess.PIPE,
            )
        )
        assert bus.stdout is not None
        assert bus.stdout.readline().decode().startswith(address)
        environment["DBUS_SESSION_BUS_ADDRESS"] = address
        yield DesktopSession(folder, environment, bus, stack)


@contextmanager
def virtual_display() -> Iterator[str]:
    """Run an X server that nobody sees; return its display."""
    with _running(
        # Without -noreset it begins anew when its last client goes, and takes no other meanwhile.
        ["Xvfb", "-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0", "800x600x24"],
        {"PATH": os.defpath},
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        yield f":{int(server.stdout.readline())}"


@contextmanager
def _running(
    command: list[str],
    environment: dict[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, env=environment, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours by its own handle: ask, and then no longer ask."""
    process.terminate()
    try:
        process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(START_SECONDS)


def _shown(item: secretstorage.Item) -> Item:
    attributes = item.get_attributes()
    attributes.pop("xdg:schema", None)
    return Item(item.get_label(), attributes, item.get_secret().decode())
