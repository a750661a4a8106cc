// The account menu: how things stand, and what can be done about it.

import { commands, QuickPickItemKind, window, type QuickPickItem } from "vscode";
import type { AuthClient } from "./client";
import { showDoctorReport } from "./doctor";
import { adviceButtons, offer, openPage, showFailure, withSentences } from "./messages";
import { describeStatus, lastErrorInWords, mfaInWords, standingInWords } from "./presentStatus";
import type { AuthStatus, MfaAdvice } from "./protocol";
import { showProviders } from "./providers";
import { adviceOf, isPage, type CommandId } from "./remediation";
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
    const { status } = client;
    if (status === undefined) return;
    const facts = describeStatus(status).map((line) => fact(line, status));
    const entries = [
      ...(status.pendingLogin === undefined ? signInEntries(client, status) : whileWaiting(signIn)),
      ...moreEntries(client, status),
      separator("Status"),
      ...facts,
    ];
    const chosen = await window.showQuickPick(entries, { title: "Codex: Account", placeHolder: `${standingInWords(status)}. Choose what to do` });
    await chosen?.run?.();
  } catch (error) {
    await showFailure(error, () => client.restart().catch(showFailure));
  }
}

/** What can be done now, as far as the server offers it here. */
function signInEntries(client: AuthClient, status: AuthStatus): Entry[] {
  const signIn = status.state === "signedIn" ? "$(account) Sign In as Someone Else" : "$(sign-in) Sign In";
  return [
    command(signIn, "codexAuth.signIn"),
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

function moreEntries(client: AuthClient, status: AuthStatus): Entry[] {
  const { mfa } = status.cloud;
  const isChatGpt = status.state === "signedIn" && status.method === "chatgpt";
  return [
    separator("More"),
    ...(isChatGpt ? [mfaEntry(mfa)] : []),
    ...(client.answers("auth/providers") ? [{ label: "$(server) Model Providers", run: () => showProviders(client) }] : []),
    ...(client.answers("auth/doctor") ? [{ label: "$(checklist) Doctor Report", run: () => showDoctorReport(client) }] : []),
    command("$(output) Show Log", "codexAuth.showLog"),
  ];
}

function mfaEntry(mfa: MfaAdvice): Entry {
  return {
    label: "$(shield) Multi-Factor Authentication",
    description: mfaInWords(mfa.requirement),
    run: () => offer(
      mfa.requirement === "required" ? window.showWarningMessage : window.showInformationMessage,
      mfa.reason,
      mfa.links.filter(({ url }) => isPage(url)).map(({ title, url }) => ({ title, run: () => openPage(url) })),
    ),
  };
}

/** A line may be too long for the list, so choosing it shows all of it, with what the last error advises. */
function fact(line: string, { lastError }: AuthStatus): Entry {
  const isError = lastError !== undefined && line === lastErrorInWords(lastError);
  return {
    label: line.replace(/\$\(/g, "\\$("),
    run: () => {
      const advice = adviceOf(isError ? lastError.remediation : []);
      return offer(isError ? window.showWarningMessage : window.showInformationMessage, withSentences(line, advice), adviceButtons(advice));
    },
  };
}

function command(label: string, id: CommandId): Entry {
  return { label, run: () => commands.executeCommand(id) };
}

function separator(label: string): Entry {
  return { label, kind: QuickPickItemKind.Separator };
}
