// The packaged extension under `codex-auth-lsp check-client`: one real VS Code workbench plays every
// scenario. The checker starts this file with the word `play` for each; that process hands the
// scenario to the workbench and waits until it is done. Screenshots go to test/screenshots/checked.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clearMessages, dialog, drive, leaveStatusBar, pageOpenedBy, row, runCommand, statusBar, statusEntry, toast } from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const PYTHON = join(here, "../../.venv/bin/python");
const FIRST = "plus@example.com";

/** What a person does in each scenario, until the window shows what it should. */
const scenarios = {
  "sign-in": (page) => signIn(page, FIRST),
  "device-code": async (page) => {
    await statusBar(page, "Codex: Sign In");
    await runCommand(page, "Codex: Sign In with Device Code");
    await dialog(page).getByText("Your code:").waitFor();
    await statusBar(page, FIRST);
    await page.keyboard.press("Escape");
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
    await throughTheBrowser(page);
    await statusBar(page, "pro@example.com");
  },
  "server-error": async (page) => {
    await statusBar(page, "Codex: Sign In");
    await runCommand(page, "Codex: Sign In");
    await row(page, "Sign in with ChatGPT").click();
    await toast(page, "has a problem at the moment").waitFor();
  },
  "unknown-values": (page) => signIn(page, FIRST),
};

async function signIn(page, account) {
  await statusBar(page, "Codex: Sign In");
  await runCommand(page, "Codex: Sign In");
  await throughTheBrowser(page);
  if (account !== undefined) await statusBar(page, account);
}

async function throughTheBrowser(page) {
  const signInPage = await pageOpenedBy(page.context(), () => row(page, "Sign in with ChatGPT").click());
  await signInPage.getByText("check-client has seen that this page was opened.").waitFor();
  await signInPage.close();
  await page.bringToFront();
}

/** The process that the checker starts. */
async function play() {
  const { CODEX_AUTH_CHECK: scenario, CODEX_AUTH_CHECK_SERVER: server, WORKBENCH_STAGE: stage } = process.env;
  const { ok } = await fetch(stage, { method: "POST", body: JSON.stringify({ scenario, server }) });
  process.exit(ok ? 0 : 1);
}

/** Receives the scenarios, one after the other. */
async function openStage(perform) {
  const http = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", async () => {
      const { scenario, server } = JSON.parse(body);
      const failure = await perform(scenario, server).then(() => undefined, (error) => error);
      if (failure !== undefined) console.log(`      ${scenario}: ${failure.message}`);
      response.writeHead(failure === undefined ? 200 : 500).end();
    });
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  return http;
}

async function check(stage) {
  const words = ["-I", "-m", "codex_auth_lsp", "check-client", "--json", "--", process.execPath, fileURLToPath(import.meta.url), "play"];
  const env = { ...process.env, WORKBENCH_STAGE: `http://127.0.0.1:${stage.address().port}` };
  const checker = spawn(PYTHON, words, { env, stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  checker.stdout.on("data", (chunk) => (said += chunk));
  await once(checker, "close");
  return JSON.parse(said).scenarios;
}

const steps = {
  async "makes no mistake in any scenario of the checker"({ page, changeSettings, shot }) {
    const stage = await openStage(async (scenario, server) => {
      changeSettings({ "codexAuth.server.command": [server] });
      await scenarios[scenario](page);
      await shot(scenario);
      changeSettings({}); // which ends the server, and finds no other
      await statusBar(page, "Codex: Server Not Found");
      await clearMessages(page);
      await leaveStatusBar(page);
    });
    try {
      const played = await check(stage);
      assert.deepEqual(played.filter(({ outcome }) => outcome !== "ok"), []);
      assert.deepEqual(played.map(({ name }) => name), Object.keys(scenarios));
    } finally {
      stage.close();
    }
  },
};

if (process.argv[2] === "play") await play();
else await drive(steps, { settings: {}, trusted: [] }, {}, join(here, "screenshots/checked"));
