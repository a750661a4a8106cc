"""The end-to-end tests' bench, for the tests that put a third-party part beside our server."""

from __future__ import annotations

from e2e.conftest import (  # noqa: F401 - fixtures and a hook, found here by pytest
    browser,
    command_line,
    guard,
    home,
    pytest_runtest_makereport,
    sandbox,
    sandbox_process,
    start,
)
