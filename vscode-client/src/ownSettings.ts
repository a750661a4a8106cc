// The person's own values of this extension's settings: they alone count, though the scope of the
// settings already says so. They may be of any type.

import { workspace, type Disposable } from "vscode";
import type { ServerSettings } from "./serverCommand";

const NAMES = ["server.command", "server.codexHome", "server.issuer", "accountsMenu"] as const;

type Name = (typeof NAMES)[number];

export function ownSetting(name: Name): unknown {
  return workspace.getConfiguration("codexAuth").inspect<unknown>(name)?.globalValue;
}

export function serverSettings(): ServerSettings {
  return { command: ownSetting("server.command"), codexHome: ownSetting("server.codexHome"), issuer: ownSetting("server.issuer") };
}

/** Tells which of them have another value than before; what a workspace's file says is no change. */
export function onOwnSettingsChange(receive: (changed: readonly Name[]) => void): Disposable {
  const read = (): Map<Name, string> => new Map(NAMES.map((name) => [name, JSON.stringify(ownSetting(name) ?? null)]));
  let known = read();
  return workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration("codexAuth")) return;
    const before = known;
    known = read();
    const changed = NAMES.filter((name) => before.get(name) !== known.get(name));
    if (changed.length > 0) receive(changed);
  });
}
