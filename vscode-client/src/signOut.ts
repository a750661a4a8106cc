// Signing out: asked first, and told afterwards where something was left.

import { ProgressLocation, window } from "vscode";
import type { AuthClient } from "./client";
import { offer, showFailure } from "./messages";
import type { AuthStatus, LogoutResult } from "./protocol";

const SIGN_OUT = "Sign Out";

export async function signOut(client: AuthClient): Promise<void> {
  try {
    await client.start();
    if (client.status?.state === "signedOut" && client.status.pendingLogin === undefined) {
      await offer(window.showInformationMessage, "Nobody is signed in to Codex.", []);
      return;
    }
    const detail = whatItEnds(client.status);
    const choice = await window.showWarningMessage("Sign out of Codex?", { modal: true, detail }, SIGN_OUT);
    if (choice !== SIGN_OUT) return;
    const progress = { location: ProgressLocation.Window, title: "Codex: Signing out" };
    await tellOutcome(await window.withProgress(progress, () => client.request("auth/logout", {})));
  } catch (error) {
    await showFailure(error, () => signOut(client));
  }
}

/** What goes, from where, and what stays. */
function whatItEnds(status: AuthStatus | undefined): string {
  const whose = status?.account === undefined ? "" : ` of ${status.account.label}`;
  const shared = "The Codex CLI on this machine uses the same login, so it is signed out too.";
  if (status?.source?.kind === "environment") {
    const variable = status.source.name ?? "a variable of the environment";
    return `Logins that are stored on this machine are removed and revoked. ${variable} is not: only you can remove it, and it stays in use.`;
  }
  if (status?.state === "signedOut") return "The sign-in that is waiting for you is cancelled.";
  if (status?.method === "apiKey") {
    return `The API key is removed from this machine. The key itself stays valid until you delete it on the platform's page.\n\n${shared}`;
  }
  return `The login${whose} is removed from this machine, and revoked at the sign-in service, so that no copy of it can be renewed.\n\n${shared}`;
}

async function tellOutcome({ remaining, revoked, status }: LogoutResult): Promise<void> {
  if (remaining.length > 0) {
    const places = remaining.map(({ store }) => store).join(", ");
    await offer(window.showWarningMessage, `The login could not be removed from: ${places}.`, []);
  } else if (revoked === "failed") {
    await offer(window.showWarningMessage, "Signed out of Codex on this machine. The sign-in service could not be reached to revoke the login.", []);
  } else if (status.state === "signedIn") {
    await offer(window.showWarningMessage, `The stored login is gone, but Codex is still signed in through ${status.source?.name ?? "the environment"}.`, []);
  } else {
    await offer(window.showInformationMessage, "Signed out of Codex.", []);
  }
}
