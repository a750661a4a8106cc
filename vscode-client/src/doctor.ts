// The doctor's report: asked how far it may go, then opened as a document that is nowhere stored.

import { ProgressLocation, window, workspace } from "vscode";
import { version } from "../package.json";
import type { AuthClient } from "./client";
import { doctorReport } from "./doctorReport";

const CHOICES = [
  { label: "$(device-desktop) This Machine Only", detail: "Nothing leaves the machine.", network: false },
  { label: "$(globe) Also the Sign-In Service", detail: "Asks whether it can be reached and what time it has; no login is sent.", network: true },
];

export async function showDoctorReport(client: AuthClient): Promise<void> {
  const choice = await window.showQuickPick(CHOICES, { title: "Codex: Doctor Report", placeHolder: "Choose what to examine" });
  if (choice === undefined) return;
  const result = await window.withProgress(
    { location: ProgressLocation.Notification, title: "Codex: examining the sign-in", cancellable: true },
    (_progress, token) => client.request("auth/doctor", { network: choice.network }, token),
  );
  const document = await workspace.openTextDocument({ language: "markdown", content: doctorReport(result, version) });
  await window.showTextDocument(document);
}
