// What a sign-in that waits for the person says while it waits. Pure.

import type { LoginPromptParams } from "./protocol";
import { literal } from "./remediation";

/** What the person can do meanwhile. These commands exist while the extension runs and are not in the palette. */
export const WAITING_COMMANDS = {
  copyLink: "codexAuth.waiting.copyLink",
  openAgain: "codexAuth.waiting.openAgain",
  showCode: "codexAuth.waiting.showCode",
  useDeviceCode: "codexAuth.waiting.useDeviceCode",
  pasteCallback: "codexAuth.waiting.pasteCallback",
} as const;

export type WaitingAction = keyof typeof WAITING_COMMANDS;

export const WAITING_TITLES: Record<WaitingAction, string> = {
  copyLink: "Copy Link",
  openAgain: "Open Again",
  showCode: "Show Code",
  useDeviceCode: "Use Device Code",
  pasteCallback: "Paste Callback URL",
};

/** Which of them make sense for a prompt; `offered` tells what the server can do. */
export function waitingActions(
  prompt: LoginPromptParams,
  offered: { deviceCode: boolean; callback: boolean },
): WaitingAction[] {
  if (prompt.kind === "deviceCode") return ["showCode", "copyLink", "openAgain"];
  return [
    "copyLink",
    "openAgain",
    ...(offered.deviceCode ? ["useDeviceCode" as const] : []),
    ...(offered.callback ? ["pasteCallback" as const] : []),
  ];
}

/** The line of the progress message; its links are commands, as VS Code draws them in a notification. */
export function waitingLine(message: string, left: string | undefined, actions: readonly WaitingAction[]): string {
  const sentence = literal(message).replace(/[^.!?…]$/, "$&.");
  const links = actions.map((action) => `[${WAITING_TITLES[action]}](command:${WAITING_COMMANDS[action]})`);
  return [sentence, ...(left === undefined ? [] : [`${left}.`]), links.join(" | ")].join(" ").trim();
}

/** How long a prompt is still good; in whole minutes, so that a line with it changes seldom. */
export function timeLeft(expiresAt: string | undefined, now: number): string | undefined {
  const end = Date.parse(expiresAt ?? "");
  if (Number.isNaN(end)) return undefined;
  const minutes = Math.ceil((end - now) / 60_000);
  if (minutes <= 0) return "The time is up";
  return minutes === 1 ? "Less than a minute left" : `About ${minutes} minutes left`;
}
