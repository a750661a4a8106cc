import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import manifest from "../../package.json";

const { contributes } = manifest;

test("the commands have the names and titles that advice and keybindings use", () => {
  assert.deepEqual(Object.fromEntries(contributes.commands.map(({ command, title }) => [command, title])), {
    "codexAuth.signIn": "Codex: Sign In",
    "codexAuth.signInWithDeviceCode": "Codex: Sign In with Device Code",
    "codexAuth.signInWithApiKey": "Codex: Sign In with API Key",
    "codexAuth.signOut": "Codex: Sign Out",
    "codexAuth.account": "Codex: Account",
    "codexAuth.showLog": "Codex: Show Log",
  });
});

test("every setting is the machine's, and none counts in a folder that is not trusted", () => {
  const settings = Object.entries(contributes.configuration.properties);
  assert.deepEqual(settings.map(([name, { type, default: value }]) => [name, type, value]), [
    ["codexAuth.server.command", "array", []],
    ["codexAuth.server.codexHome", "string", ""],
    ["codexAuth.server.issuer", "string", ""],
    ["codexAuth.accountsMenu", "boolean", false],
  ]);
  assert.deepEqual(settings.filter(([, { scope }]) => scope !== "machine"), []);
  const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.equal(supported, "limited");
  assert.deepEqual(restrictedConfigurations, settings.map(([name]) => name));
});

test("nothing tells to take the server from a package index, which has none before the first release", () => {
  const texts = ["README.md", "walkthrough/server.md", "package.json", "src/serverCommand.ts", "src/messages.ts"];
  for (const name of texts) assert.doesNotMatch(readFileSync(join(__dirname, "..", name), "utf8"), /install codex-auth-lsp/, name);
});

test("the activation joins the parts in at most 60 lines", () => {
  const [, body = ""] = /^export function activate\(.*\n([^]*?)^}$/m.exec(readFileSync(join(__dirname, "../src/extension.ts"), "utf8")) ?? [];
  const { length } = body.split("\n");
  assert.ok(length > 1 && length <= 60, String(length));
});

test("it runs where the login is, also without a folder on a disk", () => {
  assert.deepEqual(manifest.extensionKind, ["workspace"]);
  assert.equal(manifest.capabilities.virtualWorkspaces, true);
});
