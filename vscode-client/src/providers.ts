// The list of model providers, and what to do about one.

import { commands, window } from "vscode";
import type { AuthClient } from "./client";
import { copyText } from "./clipboard";
import { offer, type Button } from "./messages";
import { explainProvider, presentProvider } from "./presentProviders";
import type { ProviderAuth } from "./protocol";

export async function showProviders(client: AuthClient): Promise<void> {
  const { providers } = await client.request("auth/providers", {});
  const items = providers.map((provider) => ({ ...presentProvider(provider), provider }));
  items.sort((one, other) => Number(other.provider.active) - Number(one.provider.active));
  const chosen = await window.showQuickPick(items, {
    title: "Codex: Model Providers",
    placeHolder: "The provider in use is set in config.toml. Choose one to read more",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (chosen === undefined) return;
  const { provider } = chosen;
  const show = provider.ready ? window.showInformationMessage : window.showWarningMessage;
  await offer(show, explainProvider(provider), remedies(provider));
}

function remedies({ authKind, ready, environmentKey }: ProviderAuth): Button[] {
  if (ready) return [];
  if (environmentKey !== undefined) {
    return [{ title: "Copy Variable Name", run: () => copyText(environmentKey.name, "The name of the variable") }];
  }
  return authKind === "openai" ? [{ title: "Sign In", run: () => commands.executeCommand("codexAuth.signIn") }] : [];
}
