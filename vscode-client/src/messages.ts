// Messages with actions: failures, notices and questions, each said once and never with a secret.

import { commands, env, Uri, window } from "vscode";
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageclient/node";
import { ServerUnavailable } from "./client";
import { copyText } from "./clipboard";
import type { ErrorData } from "./protocol";
import { redactText } from "./redact";
import { adviceOf, literal, type Action, type Advice } from "./remediation";
import { INSTALL_COMMAND, UPDATE_COMMAND } from "./serverCommand";

type Show = (message: string, ...titles: string[]) => Thenable<string | undefined>;

/** A button of our own; the server's advice has `Action`s. */
export interface Button {
  title: string;
  run: () => unknown;
}

/** `PUBLISHER.NAME#ID`. */
const WALKTHROUGH = "codex-auth-lsp.codex-auth#signIn";

const SHOW_LOG: Button = { title: "Show Log", run: () => commands.executeCommand("codexAuth.showLog") };

export const OPEN_SETTINGS: Button = {
  title: "Open Settings",
  run: () => commands.executeCommand("workbench.action.openSettings", "codexAuth"),
};

const HOW_TO_INSTALL: Button = {
  title: "How to Install",
  run: () => commands.executeCommand("workbench.action.openWalkthrough", WALKTHROUGH, false),
};

const COPY_INSTALL: Button = {
  title: "Copy Install Command",
  run: () => copyText(INSTALL_COMMAND, "The install command"),
};

const COPY_UPDATE: Button = {
  title: "Copy Update Command",
  run: () => copyText(UPDATE_COMMAND, "The update command"),
};

const UPDATE_EXTENSION: Button = {
  title: "Check for Extension Updates",
  run: () => commands.executeCommand("workbench.extensions.action.checkForUpdates"),
};

/** Tells of a failure, unless it is the person's own cancel. `retry` is offered where it can help. */
export async function showFailure(error: unknown, retry?: () => unknown): Promise<void> {
  if (isCancel(error)) return;
  const again: Button[] = retry === undefined ? [] : [{ title: "Try Again", run: retry }];
  if (error instanceof ServerUnavailable) {
    await offer(window.showErrorMessage, error.message, unavailableButtons(error, again));
  } else if (error instanceof ResponseError && isErrorData(error.data)) {
    const advice = adviceOf(error.data.remediation);
    const helpful = error.data.retryable && !advice.actions.some(({ command }) => command === "codexAuth.signIn");
    const choices = [...(helpful ? again : []), ...adviceButtons(advice), SHOW_LOG];
    await offer(window.showErrorMessage, withSentences(error.message, advice), choices);
  } else {
    await offer(window.showErrorMessage, failureText(error), [...again, SHOW_LOG]);
  }
}

/** What went wrong, in a sentence fit to show. */
export function failureText(error: unknown): string {
  if (isConnectionLoss(error)) return "The Codex sign-in server ended before it answered.";
  return redactText(error instanceof Error ? error.message : String(error));
}

/** Shows a message with buttons and runs the one that is chosen. */
export async function offer(show: Show, message: string, choices: readonly Button[]): Promise<void> {
  const unique = choices.filter((button, at) => choices.findIndex((other) => sameTitle(other, button)) === at);
  const title = await show(literal(message), ...unique.map((button) => button.title));
  await unique.find((button) => button.title === title)?.run();
}

export async function openPage(url: string): Promise<void> {
  if (!(await env.openExternal(Uri.parse(url, true)))) await copyText(url, "The address");
}

function unavailableButtons(error: ServerUnavailable, again: Button[]): Button[] {
  switch (error.reason) {
    case "notInstalled":
      return [COPY_INSTALL, HOW_TO_INSTALL, ...again]; // the walkthrough leads to the settings
    case "insideWorkspace":
    case "settingInvalid":
      return [OPEN_SETTINGS, ...again];
    case "serverTooOld":
      return [COPY_UPDATE, ...again, OPEN_SETTINGS];
    case "serverTooNew":
      return [UPDATE_EXTENSION, OPEN_SETTINGS];
    case "startFailed":
      return [...again, SHOW_LOG, OPEN_SETTINGS];
  }
}

export function adviceButtons(advice: Advice): Button[] {
  return advice.actions.map((action) => ({ title: action.title, run: () => runAction(action) }));
}

async function runAction({ command, url }: Action): Promise<void> {
  if (command !== undefined) await commands.executeCommand(command);
  else if (url !== undefined) await openPage(url);
}

export function withSentences(message: string, advice: Advice): string {
  return [message, ...advice.sentences.map((sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`))].join(" ");
}

function sameTitle(one: Button, other: Button): boolean {
  const plain = (title: string): string => title.toLowerCase().replace(/\bthe\s+/g, "");
  return plain(one.title) === plain(other.title);
}

function isCancel(error: unknown): boolean {
  if (!(error instanceof ResponseError)) return false;
  // -32802 is the server's word for an attempt that was cancelled elsewhere or has a successor.
  return error.code === LSPErrorCodes.RequestCancelled || error.code === LSPErrorCodes.ServerCancelled;
}

function isConnectionLoss(error: unknown): boolean {
  return (
    error instanceof ResponseError &&
    [ErrorCodes.PendingResponseRejected, ErrorCodes.ConnectionInactive].some((code) => code === error.code)
  );
}

function isErrorData(data: unknown): data is ErrorData {
  return typeof data === "object" && data !== null && "kind" in data;
}
