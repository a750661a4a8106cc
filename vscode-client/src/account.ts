// The account menu: how things stand, and what can be done about it.

import { commands, QuickPickItemKind, window, type QuickPickItem } from "vscode";
import type { AuthClient } from "./client";
import { openPage, showFailure } from "./messages";
import { describeStatus } from "./presentStatus";
import type { AuthStatus } from "./protocol";
import type { CommandId } from "./remediation";
import type { SignIn } from "./signIn";
import { WAITING_TITLES, type WaitingAction } from "./waitingText";

const WAITING_ICONS: Record<WaitingAction, string> = {
  copyLink: "copy",
  openAgain: "link-external",
  showCode: "key",
  useDeviceCode: "device-mobile",
  pasteCallback: "clippy",
};

interface Entry extends QuickPickItem {
  run?: () => unknown;
}

export async function showAccount(client: AuthClient, signIn: SignIn): Promise<void> {
  try {
    await client.start();
  } catch (error) {
    await showFailure(error, () => client.restart().catch(showFailure));
    return;
  }
  const { status } = client;
  if (status === undefined) return;
  const entries = [
    ...(status.pendingLogin === undefined ? actions(client, status) : whileWaiting(signIn)),
    command("$(output) Show Log", "codexAuth.showLog"),
    { label: "Status", kind: QuickPickItemKind.Separator },
    ...describeStatus(status).map((line): Entry => ({ label: line.replace(/\$\(/g, "\\$(") })),
    ...mfaLinks(status),
  ];
  const chosen = await window.showQuickPick(entries, { title: "Codex: Account", placeHolder: "Choose what to do" });
  await chosen?.run?.();
}

/** What can be done now, as far as the server offers it here. */
function actions(client: AuthClient, status: AuthStatus): Entry[] {
  const signIn = status.state === "signedIn" ? "$(account) Sign In as Someone Else" : "$(sign-in) Sign In";
  return [
    ...(client.offers("browser") ? [command(signIn, "codexAuth.signIn")] : []),
    ...(client.offers("deviceCode") ? [command("$(device-mobile) Sign In with Device Code", "codexAuth.signInWithDeviceCode")] : []),
    ...(client.offers("apiKey") ? [command("$(key) Sign In with API Key", "codexAuth.signInWithApiKey")] : []),
    ...(status.state === "signedOut" ? [] : [command("$(sign-out) Sign Out", "codexAuth.signOut")]),
  ];
}

/** While a sign-in waits: the links of its progress message, for those who closed it. */
function whileWaiting({ waiting }: SignIn): Entry[] {
  const { prompt } = waiting;
  const cancel: Entry = { label: "$(close) Cancel Sign-In", run: () => waiting.cancel() };
  const entries = (prompt === undefined ? [] : waiting.actions(prompt)).map((action): Entry => ({
    label: `$(${WAITING_ICONS[action]}) ${WAITING_TITLES[action]}`,
    run: () => waiting.run(action),
  }));
  return [...entries, cancel];
}

function mfaLinks(status: AuthStatus): Entry[] {
  const { requirement, links } = status.cloud.mfa;
  if (status.state !== "signedIn" || !["required", "recommended"].includes(requirement)) return [];
  return links.map(({ title, url }) => ({
    label: `$(shield) ${title}`,
    description: "Multi-factor authentication",
    run: () => (url.startsWith("https://") ? openPage(url) : undefined),
  }));
}

function command(label: string, id: CommandId): Entry {
  return { label, run: () => commands.executeCommand(id) };
}
