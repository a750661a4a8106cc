// The commands, by their contract names.

import { commands, type Disposable, type LogOutputChannel } from "vscode";
import { showAccount } from "./account";
import type { AuthClient } from "./client";
import type { CommandId } from "./remediation";
import type { SignIn } from "./signIn";
import { signOut } from "./signOut";

export function registerCommands(client: AuthClient, signIn: SignIn, log: LogOutputChannel): Disposable[] {
  const table: Record<CommandId, () => unknown> = {
    "codexAuth.signIn": () => signIn.start(),
    "codexAuth.signInWithDeviceCode": () => signIn.with("deviceCode"),
    "codexAuth.signInWithApiKey": () => signIn.with("apiKey"),
    "codexAuth.signOut": () => signOut(client),
    "codexAuth.account": () => showAccount(client, signIn),
    "codexAuth.showLog": () => { log.show(true); },
    // Not in the palette: the server's advice may name them.
    "codexAuth.status": () => showAccount(client, signIn),
    "codexAuth.cancel": () => signIn.waiting.cancel(),
  };
  return Object.entries(table).map(([id, run]) => commands.registerCommand(id, run));
}
