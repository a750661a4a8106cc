// The packaged extension in a real VS Code workbench, against the scripted server.
// Screenshots go to test/screenshots/. Needs `npm run package` and `npm run workbench` before.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  dialog, openPalette, paletteTitles, runCommand, startWorkbench, statusBar, statusEntry, toast,
} from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const shots = join(here, "screenshots");
const API_KEY = "sk-test-SECRETKEY-0123456789";
const SECRETS = [API_KEY, "SECRETSTATE", "SECRETCODE"];
const TITLES = [
  "Codex: Sign In", "Codex: Sign In with Device Code", "Codex: Sign In with API Key",
  "Codex: Sign Out", "Codex: Account", "Codex: Show Log",
];

/** The sign-in page and the test's line to the scripted server. */
async function startControl() {
  const received = [];
  const servers = new Set();
  const http = createServer((request, response) => {
    if (request.url === "/orders") {
      response.writeHead(200).flushHeaders();
      servers.add(response);
      request.on("close", () => servers.delete(response));
    } else if (request.url === "/record") {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        received.push(JSON.parse(body));
        response.end();
      });
    } else {
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>");
    }
  }).listen(0, "127.0.0.2"); // VS Code rewrites addresses on 127.0.0.1, not on this one
  await once(http, "listening");
  return {
    received,
    origin: `http://127.0.0.2:${http.address().port}`,
    order: (word) => { for (const server of servers) server.write(`${word}\n`); },
    close: () => {
      http.closeAllConnections();
      http.close();
    },
  };
}

const steps = {
  async "starts as unknown, then shows that nobody is signed in"({ page, shot }) {
    await statusBar(page, "Codex: …");
    await statusBar(page, "Codex: Sign In");
    await shot("signed-out");
  },

  async "says what it can do in the handshake"({ control }) {
    const { params } = control.received.find(({ method }) => method === "initialize");
    assert.deepEqual(params.capabilities.experimental.auth, { protocolVersion: 1, loginPrompt: true, environment: "web" });
  },

  async "has its commands in the palette"({ page }) {
    const titles = await paletteTitles(page, "Codex: ");
    assert.deepEqual(titles.filter((title) => title.startsWith("Codex: ")).sort(), [...TITLES].sort());
  },

  async "a cancelled sign-in leaves no message"({ page, context }) {
    const opened = context.waitForEvent("page");
    await runCommand(page, "Codex: Sign In");
    await (await opened).close();
    await statusBar(page, "Codex: Signing in…");
    await toast(page, "Codex: Sign In").getByText("Cancel", { exact: true }).click();
    await statusBar(page, "Codex: Sign In");
    assert.equal(await page.locator(".notifications-toasts .codicon-error").count(), 0);
  },

  async "signs in with the browser"({ page, context, control, shot }) {
    const opened = context.waitForEvent("page");
    await statusEntry(page).click();
    const signInPage = await opened;
    await signInPage.waitForURL(/SECRETSTATE/);
    await statusBar(page, "Codex: Signing in…");
    await toast(page, "Finish signing in").getByText("Copy Link", { exact: true }).waitFor();
    await shot("waiting");
    control.order("signedIn");
    await statusBar(page, "ana@example.com");
    await toast(page, "Signed in to Codex as ana@example.com").waitFor();
    await signInPage.close();
    await shot("signed-in");
  },

  async "the tooltip has the facts"({ page, shot }) {
    await statusEntry(page).hover();
    const hover = page.locator(".monaco-hover").filter({ hasText: "Plan: ChatGPT Plus" });
    await hover.waitFor();
    assert.match(await hover.innerText(), /included in the ChatGPT plan/);
    await shot("tooltip");
    await page.mouse.move(400, 200);
  },

  async "the account menu has the facts and the actions"({ page, shot }) {
    await runCommand(page, "Codex: Account");
    await page.locator(".quick-input-list").getByText("Sign Out", { exact: true }).waitFor();
    await shot("account");
    await page.keyboard.press("Escape");
  },

  async "signs out after asking"({ page, control, shot }) {
    await runCommand(page, "Codex: Sign Out");
    await dialog(page).getByText("The Codex CLI on this machine uses the same login").waitFor();
    await shot("sign-out");
    await dialog(page).getByRole("button", { name: "Sign Out" }).click();
    await statusBar(page, "Codex: Sign In");
    assert.ok(control.received.some(({ method }) => method === "auth/logout"));
  },

  async "shows a device code, and cancels when the person does"({ page, shot }) {
    await runCommand(page, "Codex: Sign In with Device Code");
    await dialog(page).getByText("Your code: WXYZ-SECRETCODE").waitFor();
    await shot("device-code");
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await statusBar(page, "Codex: Sign In");
  },

  async "signs in with an API key"({ page, control, shot }) {
    await runCommand(page, "Codex: Sign In with API Key");
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.fill(API_KEY);
    await shot("api-key");
    await page.keyboard.press("Enter");
    await toast(page, "billed at API rates").getByText("Pricing", { exact: true }).waitFor();
    await statusBar(page, "API key");
    const { params } = control.received.findLast(({ method }) => method === "auth/login");
    assert.deepEqual(params, { method: "apiKey", apiKey: API_KEY });
  },

  async "a refused key is told in one message"({ page }) {
    await runCommand(page, "Codex: Sign In with API Key");
    await page.locator(".quick-input-widget input[type=password]").fill("not a key");
    await page.keyboard.press("Enter");
    const message = toast(page, "That cannot be an API key.");
    await message.getByText("Show the log", { exact: true }).waitFor();
    assert.equal(await message.getByText("Show Log", { exact: true }).count(), 0);
  },

  async "a sign-out by another program is seen"({ page, control }) {
    control.order("otherProcessSignedOut");
    await statusBar(page, "Codex: Sign In");
  },

  async "a login that has ended asks for a new one"({ page, control, shot }) {
    control.order("needsReauth");
    await statusBar(page, "Codex: Sign In Again");
    await shot("needs-sign-in-again");
  },

  async "a crash is followed by a new start"({ page, control }) {
    control.order("crash");
    await statusBar(page, "Codex: …");
    await page.waitForFunction(() => /Codex: Sign In$/.test(document.querySelector('[id="codex-auth-lsp.codex-auth.codexAuth.status"]')?.textContent ?? ""));
    assert.equal(control.received.filter(({ method }) => method === "initialize").length, 2);
  },

  async "nothing that a workspace says is obeyed"({ workbench }) {
    assert.ok(!existsSync(join(workbench.home, "hostile")));
  },

  async "the log at its most talkative has none of the secrets"({ page, workbench }) {
    await openPalette(page, ""); // any answer from the window: what came before is written by then
    await page.keyboard.press("Escape");
    const logs = workbench.logs();
    assert.match(logs, /--> auth\/login \(\d+\) \{/);
    for (const secret of SECRETS) assert.ok(!logs.includes(secret), `${secret} is in a log`);
  },
};

mkdirSync(shots, { recursive: true });
const control = await startControl();
const workbench = await startWorkbench({
  settings: {
    "codexAuth.server.command": [process.execPath, join(here, "fakeServer.mjs"), control.origin],
    "codexAuth.trace.server": "verbose",
  },
  workspaceSettings: {
    "codexAuth.server.command": ["/bin/sh", "-c", 'touch "$HOME/hostile"'],
    "codexAuth.server.codexHome": "/tmp",
  },
  trusted: [control.origin],
  logLevel: "trace",
});
let failed = false;
try {
  const { page } = workbench;
  const shot = (name) => page.screenshot({ path: join(shots, `${name}.png`) });
  await workbench.open();
  for (const [name, step] of Object.entries(steps)) {
    const started = Date.now();
    try {
      await step({ ...workbench, workbench, control, shot });
      console.log(`ok    ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failed = true;
      console.log(`FAIL  ${name}\n${error.stack}`);
      await shot("failure");
      if (process.env.KEEP_LOGS) console.log(workbench.logs().split("\n").filter((line) => line.includes("odex")).slice(-60).join("\n"));
      break;
    }
  }
} finally {
  await workbench.close();
  control.close();
}
process.exitCode = failed ? 1 : 0;
