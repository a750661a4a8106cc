// Activation: it makes the parts and joins them; nothing else.

import type { ExtensionContext } from "vscode";
import { AccountsMenu } from "./accountsMenu";
import { AuthClient, ServerUnavailable } from "./client";
import { registerCommands } from "./commands";
import { openLog } from "./log";
import { showFailure } from "./messages";
import { Notices } from "./notices";
import { onOwnSettingsChange } from "./ownSettings";
import { SignIn } from "./signIn";
import { StatusItem } from "./statusItem";
import { warnOfWorkspaceSettings } from "./workspaceWarning";

/** Set once the person was told that there is no server, so that not every window says it again. */
const TOLD_MISSING = "codexAuth.toldThatServerIsMissing";

let client: AuthClient | undefined;

export function activate(context: ExtensionContext): void {
  const log = openLog();
  const authClient = (client = new AuthClient(log));
  const statusItem = new StatusItem();
  const signIn = new SignIn(authClient);
  const accountsMenu = new AccountsMenu(authClient, signIn);
  const notices = new Notices(context.globalState);

  const restart = async (): Promise<void> => {
    await authClient.restart().catch((error: unknown) => showFailure(error, restart));
  };
  context.subscriptions.push(
    log,
    authClient,
    statusItem,
    signIn,
    accountsMenu,
    ...registerCommands(authClient, signIn, log),
    authClient.onDidChange(() => { statusItem.show(authClient.status, authClient.connection, authClient.failure); }),
    authClient.onNotice((notice) => void notices.show(notice)),
    authClient.onGiveUp((why) => void showFailure(why, restart)),
    onOwnSettingsChange((changed) => {
      if (changed.includes("accountsMenu")) accountsMenu.update();
      void restart();
    }),
  );

  // Not awaited: VS Code holds commands back until the activation is done.
  void firstStart(authClient, context, restart);
  void warnOfWorkspaceSettings(context.workspaceState);
}

async function firstStart(authClient: AuthClient, context: ExtensionContext, retry: () => unknown): Promise<void> {
  try {
    await authClient.start();
    await context.globalState.update(TOLD_MISSING, undefined);
  } catch (error) {
    const missing = error instanceof ServerUnavailable && error.reason === "notInstalled";
    if (missing && context.globalState.get(TOLD_MISSING) === true) return;
    if (missing) await context.globalState.update(TOLD_MISSING, true);
    await showFailure(error, retry);
  }
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
