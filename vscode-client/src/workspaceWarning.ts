// Tells the person, once for a workspace, that its settings for this extension have no effect.

import { Uri, window, workspace, type Memento } from "vscode";
import { offer, OPEN_SETTINGS } from "./messages";
import { LARGEST_FILE, settingsNamedIn, withoutEffect } from "./workspaceSettings";

const TOLD = "codexAuth.toldThatWorkspaceSettingsHaveNoEffect";

export async function warnOfWorkspaceSettings(state: Memento): Promise<void> {
  const texts = await Promise.all(settingsFiles().map(textOf));
  const names = [...new Set(texts.flatMap(settingsNamedIn))];
  if (names.length === 0 || state.get(TOLD) === true) return;
  await state.update(TOLD, true);
  await offer(window.showWarningMessage, withoutEffect(names), [OPEN_SETTINGS]);
}

function settingsFiles(): Uri[] {
  const { workspaceFile, workspaceFolders = [] } = workspace;
  const files = workspaceFolders.map((folder) => Uri.joinPath(folder.uri, ".vscode", "settings.json"));
  return workspaceFile === undefined || workspaceFile.scheme === "untitled" ? files : [...files, workspaceFile];
}

/** Most workspaces have no such file. */
async function textOf(file: Uri): Promise<string> {
  try {
    if ((await workspace.fs.stat(file)).size > LARGEST_FILE) return "";
    return new TextDecoder().decode(await workspace.fs.readFile(file));
  } catch {
    return "";
  }
}
