"""The file cannot be read for a moment, just when the issuer has refused."""

from __future__ import annotations

from prove.issuer import ProvingIssuer
from prove.login import LoginFile
from prove.windows import windows

FORCE = {"force": True}

DEAD = (-32803, "refreshTokenReused")


async def test_a_refusal_is_remembered_although_the_file_could_not_be_read(tmp_path):
    """The next window does not send again what the issuer has refused for good."""
    file = LoginFile.make(tmp_path)
    async with ProvingIssuer.start() as issuer:
        login = issuer.new_login()
        content = file.write(login)
        async with windows(2, tmp_path, file.folder, issuer.url) as (window, other):
            assert issuer.refusal_of(login) is None  # another program has spent the token
            issuer.hold_next_refresh()
            refresh = await window.start_request("auth/refresh", FORCE)
            await issuer.held()
            file.path.write_bytes(content[:100])
            issuer.let_go()
            await refresh.error()
            file.path.write_bytes(content)

            error = await other.request_error("auth/refresh", FORCE)

            assert error.summary == DEAD
            assert issuer.count("refresh") == 1
            assert file.bytes() == content
