"""Which way a request takes, and whom it trusts: proxies and authorities of the environment.

Pure: from variables to choices. `http.py` acts on them, the doctor tells them. What is shown of a
proxy never holds its user name and password. Loopback is never reached through a proxy.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from codex_auth_lsp.domain.claims import clean_text
from codex_auth_lsp.domain.issuer import is_loopback
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")

CA_VARIABLES = ("CODEX_CA_CERTIFICATE", "SSL_CERT_FILE")
"""They name files with authorities that count beside those of the operating system."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and the variable that names it; `shown` is its address without who logs in there.

    The examples are how the variable is set, for a person to copy: nothing of what it holds now.
    """

    url: Secret
    variable: str
    shown: str
    problem: str | None = None
    gives_login: bool = False

    def __str__(self) -> str:
        return f"{self.shown} ({self.variable})"

    @property
    def example(self) -> str:
        """The address of a proxy that asks for no login."""
        return f"{self.variable}=http://host:port"

    @property
    def example_with_login(self) -> str:
        """The address of a proxy of this kind with a login."""
        return f"{self.variable}={self.shown.partition(':')[0]}://user:password@host:port"


def proxy_for(url: str, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy on the way to `url`, None where there is none.

    The variable of the scheme goes before `ALL_PROXY`, lower case before upper case, as curl and
    Python have it; `NO_PROXY` lists hosts, domains, addresses and networks that need none.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    if is_loopback(host) or _is_exempt(host, port, _named(environment, "no_proxy")[1]):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        variable, value = _named(environment, name)
        if value:
            return _proxy(value, variable)
    return None


def authority_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the files with further authorities, by the variable that names each."""
    return {name: environment[name] for name in CA_VARIABLES if environment.get(name)}


def trusted(environment: Mapping[str, str]) -> str:
    """Return in words whose certificates are trusted."""
    files = [f"{name} ({clean_text(path)})" for name, path in authority_files(environment).items()]
    return " and ".join(["the operating system's store", *files])


def _named(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    for variable in (name, name.upper()):
        if variable in environment:  # an empty one takes back the other
            return variable, environment[variable].strip()
    return name.upper(), ""


def _proxy(value: str, variable: str) -> Proxy:
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or any(ord(character) <= 0x20 for character in url):
        return Proxy(Secret(url), variable, "it", "is no URL of a proxy")
    if (
        "@" in parts.path + parts.query + parts.fragment
    ):  # what stands before it is no host, but a user name
        problem = "is no URL of a proxy (a password has / ? # as %2F %3F %23)"
        return Proxy(Secret(url), variable, "it", problem)
    address = f"[{host}]" if ":" in host else clean_text(host)
    shown = f"{parts.scheme}://{address}" + (f":{port}" if port else "")
    if parts.scheme not in PROXY_SCHEMES:
        problem = "is of a kind other than http, https and socks5"
        return Proxy(Secret(url), variable, "it", problem)
    return Proxy(Secret(url), variable, shown, gives_login=parts.username is not None)


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    return any(_matches(host.lower(), port, entry) for entry in no_proxy.replace(",", " ").split())


def _matches(host: str, port: int, entry: str) -> bool:
    entry = entry.lower()
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        entry = name
    domain = entry.removeprefix("*").lstrip(".").strip("[]")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))
