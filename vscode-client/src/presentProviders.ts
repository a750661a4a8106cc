// How a model provider looks in a list, and what there is to do when it is not ready. Pure.

import type { ProviderAuth } from "./protocol";

export interface ProviderLine {
  label: string;
  description: string;
  detail: string;
}

const SHELL_HINT =
  "An editor that was started from a desktop may not have the variables of your shell. " +
  "Start it from a terminal where the variable is set, or put the variable into the file .env in the Codex folder (~/.codex).";

export function presentProvider(provider: ProviderAuth): ProviderLine {
  const { name, id, active, ready, problems } = provider;
  return {
    label: `$(${ready ? (active ? "check" : "circle-outline") : "warning"}) ${name.replace(/\$\(/g, "\\$(")}`,
    description: [id, ...(active ? ["in use"] : [])].join(" · "),
    detail: problems.length === 0 ? authentication(provider) : problems.join(" "),
  };
}

/** Everything about a provider in a few sentences; with what is missing there comes how to add it. */
export function explainProvider(provider: ProviderAuth): string {
  const { name, baseUrl, environmentKey, problems } = provider;
  const where = baseUrl === undefined ? "" : ` at ${baseUrl}`;
  const missing = environmentKey !== undefined && !environmentKey.present;
  const told = problems.join(" ");
  const instructions = environmentKey?.instructions ?? "";
  return [
    `${name}${where}: ${authentication(provider)}.`,
    ...problems,
    ...(missing && !told.includes(environmentKey.name) ? [`The environment variable ${environmentKey.name} is not set.`] : []),
    ...(missing && instructions !== "" && !told.includes(instructions) ? [instructions] : []),
    ...(missing ? [SHELL_HINT] : []),
  ].join(" ");
}

function authentication({ authKind, environmentKey }: ProviderAuth): string {
  switch (authKind) {
    case "openai":
      return "uses the Codex login";
    case "environmentKey":
      return `uses the key in the environment variable ${environmentKey?.name ?? "that its settings name"}`;
    case "none":
      return "needs no sign-in";
    case "bearerToken":
      return "uses a stored token";
    case "command":
      return "runs a command for its token";
    default:
      return authKind;
  }
}
