// What a scenario of `codex-auth-lsp check-client` asks a person for, done in a real VS Code
// workbench: codex-auth-lsp check-client -- node test/workbenchChecked.mjs
// The server is ended by a setting that names another one.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dialog, drive, row, runCommand, statusBar, statusEntry, toast } from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { CODEX_AUTH_CHECK: scenario, CODEX_AUTH_CHECK_SERVER: server } = process.env;
const FIRST = "plus@example.com";

async function signIn(page, account) {
  await statusBar(page, "Codex: Sign In");
  await runCommand(page, "Codex: Sign In");
  await row(page, "Sign in with ChatGPT").click();
  if (account !== undefined) await statusBar(page, account);
}

const scenarios = {
  "sign-in": (page) => signIn(page, FIRST),
  "device-code": async (page) => {
    await statusBar(page, "Codex: Sign In");
    await runCommand(page, "Codex: Sign In with Device Code");
    await dialog(page).getByText("Your code:").waitFor();
    await statusBar(page, FIRST);
  },
  cancel: async (page) => {
    await signIn(page);
    await toast(page, "Waiting for you").getByText("Cancel", { exact: true }).click();
    await statusBar(page, "Codex: Sign In");
  },
  "sign-out": async (page) => {
    await statusBar(page, FIRST);
    await runCommand(page, "Codex: Sign Out");
    await dialog(page).getByRole("button", { name: "Sign Out" }).click();
    await statusBar(page, "Codex: Sign In");
  },
  "outside-logout": (page) => statusBar(page, "Codex: Sign In"),
  "needs-sign-in-again": async (page) => {
    await statusBar(page, "Codex: Sign In Again");
    await statusEntry(page).click();
    await row(page, "Sign in with ChatGPT").click();
    await statusBar(page, "pro@example.com");
  },
  "server-error": async (page) => {
    await signIn(page);
    await toast(page, "does not answer at the moment").waitFor();
  },
  "unknown-values": (page) => signIn(page, FIRST),
};

const steps = {
  async [scenario]({ page, changeSettings }) {
    await scenarios[scenario](page);
    changeSettings({ "codexAuth.server.command": ["no-such-server"] });
    await statusBar(page, "Codex: Server Not Found");
  },
};
await drive(steps, { settings: { "codexAuth.server.command": [server] }, trusted: [] }, {}, join(here, "screenshots/checked"));
