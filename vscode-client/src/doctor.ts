// The doctor's report: asked how far it may go, then opened as a read-only document, of which
// VS Code makes no backup, as it does of one that could still be saved.

import { randomUUID } from "node:crypto";
import { ProgressLocation, Uri, window, workspace } from "vscode";
import { version } from "../package.json";
import type { AuthClient } from "./client";
import { doctorReport } from "./doctorReport";

const SCHEME = "codex-auth-doctor";

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
  await showReadOnly("Codex Doctor Report.md", doctorReport(result, version));
}

async function showReadOnly(name: string, content: string): Promise<void> {
  const address = Uri.from({ scheme: SCHEME, path: `/${name}`, query: randomUUID() });
  const provider = workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: (asked) => (asked.toString() === address.toString() ? content : undefined),
  });
  try {
    await window.showTextDocument(await workspace.openTextDocument(address), { preview: false });
  } finally {
    provider.dispose();
  }
}
