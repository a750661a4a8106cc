"""The end-to-end tests' bench, for the client that talks to the real server."""

from __future__ import annotations

from e2e.conftest import (  # noqa: F401 - fixtures and a hook, found here by pytest
    browser,
    guard,
    home,
    pytest_runtest_makereport,
    sandbox,
    sandbox_process,
)
