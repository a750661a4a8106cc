"""Kind `environmentKey`: the variable that `env_key` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.errors import EnvironmentKeyMissing, Remediation
from codex_auth_lsp.providers.kind import Examination, Given
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.providers.request_credential import bearer, fits_header
from codex_auth_lsp.providers.variable_name import is_set, variable_name
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Sources
    from codex_auth_lsp.providers.surroundings import Surroundings


class EnvironmentKey:
    """A key that stands in the environment of this process, never in a file of ours."""

    auth_kind: ClassVar[str] = "environmentKey"

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Say whether the variable is set to something that a header can carry."""
        settings = definition.settings
        environment = surroundings.environment
        name = variable_name(settings.env_key, environment)
        if name is None:
            return Examination(
                obstacles=(
                    "`env_key` must be the name of an environment variable, and what stands there "
                    "does not look like one.",
                )
            )
        problems: tuple[str, ...] = ()
        if settings.bearer_token is not None:
            problems = ("`experimental_bearer_token` is ignored because `env_key` is set.",)
        missing = None
        if not is_set(name, environment):
            instructions = plain(settings.env_key_instructions or "")
            hint = f" {instructions}" if instructions else ""
            missing = f"The environment variable {name} is not set.{hint}"
        elif not fits_header(_value(name, environment)):
            missing = f"The value of {name} holds a character that no header can carry."
        return Examination(problems, missing=missing)

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return the variable's value as a bearer token.

        Raises:
            EnvironmentKeyMissing: It is not set.
        """
        found = self.examine(definition, sources.surroundings)
        name = variable_name(definition.settings.env_key, sources.surroundings.environment)
        if found.missing is not None or name is None:
            raise EnvironmentKeyMissing(
                found.missing,
                provider_id=definition.id,
                remediation=(
                    Remediation(
                        f"Set {name} where the editor is started, or in the file `.env` beside "
                        "config.toml: an editor started from the desktop may not have the "
                        "variables of your shell"
                    ),
                ),
            )
        return Given(bearer(_value(name, sources.surroundings.environment)))


def _value(name: str, environment: Mapping[str, str]) -> Secret:
    return Secret(environment.get(name, "").strip())
