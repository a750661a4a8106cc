"""Why a TLS connection was refused, in words: whose certificate or protocol it was, what to do."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import TlsUntrusted
from codex_auth_lsp.oauth.network import trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_auth_lsp.oauth.network import Proxy

IN_ITS_PLACE = (
    "something else on the network may answer in its place: sign in to the network where it asks "
    "for that, or try another network"
)
_CLOCK = "by this computer's clock; set the clock where it is wrong, or try another network"
_REASONS = {
    9: f"is not valid yet {_CLOCK}",
    10: f"has expired {_CLOCK}",
    62: f"is for another host; {IN_ITS_PLACE}",
}
"""By OpenSSL's X509_V_ERR_ codes: what no further authority would mend."""


def tls_refused(
    origin: str, proxy: Proxy | None, causes: Sequence[BaseException], *, is_by_proxy: bool
) -> TlsUntrusted:
    """Return the error of a connection that failed with `causes`.

    Args:
        origin: Where the request was to go.
        proxy: The proxy on the way, where there is one.
        causes: The exceptions, among them an `ssl.SSLError`.
        is_by_proxy: Whether TLS was with the proxy, and not yet with the origin.
    """
    through = "" if proxy is None else f", reached through the proxy {proxy},"
    unverified = [cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)]
    if not unverified:
        if proxy is None:
            who, advice = origin, IN_ITS_PLACE
        else:
            who = f"The proxy {proxy}" if is_by_proxy else f"{origin}{through}"
            advice = "check the proxy settings"
        return TlsUntrusted(f"{who} offers no TLS connection that is safe to use; {advice}.")
    who = f"the proxy {proxy}" if proxy is not None and is_by_proxy else f"{origin}{through}"
    refused = f"The certificate of {who} is not trusted by this machine"
    reason = _REASONS.get(unverified[0].verify_code)
    if reason is not None:
        return TlsUntrusted(f"{refused}, since it {reason}.")
    return TlsUntrusted(
        f"{refused}, which goes by {trusted(os.environ)}; where a proxy inspects traffic, name its "
        "certificate in CODEX_CA_CERTIFICATE or SSL_CERT_FILE."
    )
