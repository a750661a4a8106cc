// The package that brings its server along, in a real VS Code workbench on a machine that has
// nothing but Python. Screenshots go to test/screenshots/bundled.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drive, extensionFolder, listedMessage, newHome, row, runCommand, statusBar } from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const vsix = join(here, `../codex-auth-${process.platform}-${process.arch}.vsix`);
const API_KEY = "sk-bundled-0123456789-not-a-real-key";

/** The command lines of the servers that this extension has started. */
function servers(home) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return words.includes(join(extensionFolder(home), "server")) ? [words] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

const steps = {
  async "the bundled server runs, isolated, where none is installed"({ page, home }) {
    await statusBar(page, "Codex: Sign In");
    const [[program, ...words], ...others] = servers(home);
    assert.match(program, /\/python3/);
    assert.deepEqual(words.slice(0, 2), ["-I", join(extensionFolder(home), "server")]);
    assert.deepEqual(others, []);
  },

  async "it signs in"({ page, home }) {
    await runCommand(page, "Codex: Sign In with API Key");
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.fill(API_KEY);
    await box.press("Enter");
    await statusBar(page, "API key");
    assert.ok(existsSync(join(home, ".codex/auth.json")));
  },

  async "its doctor finds all that it needs"({ page, shot }) {
    await runCommand(page, "Codex: Account");
    await row(page, "Doctor Report").click();
    await row(page, "This Machine Only").click();
    await page.locator(".editor-instance .view-line").filter({ hasText: /is.installed.with.all.that/ }).waitFor();
    await shot("doctor");
    await runCommand(page, "View: Close Editor");
  },

  async "with a Python that it is not for, the message says which one it needs"({ page, home, changeSettings, shot }) {
    const file = join(extensionFolder(home), "server/bundle.json");
    const kind = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...kind, python: "3.4" }));
    changeSettings({ "codexAuth.server.codexHome": join(home, ".codex") }); // starts it anew
    await statusBar(page, "Codex: Stopped");
    const message = await listedMessage(page, "the bundled server needs cpython 3.4 for linux");
    for (const action of ["Try Again", "Show Log", "Open Settings"]) await message.getByText(action, { exact: true }).waitFor();
    await shot("another-python");
  },
};

assert.ok(existsSync(vsix), `${vsix} is missing; npm run package:bundled makes it`);
await drive(steps, { settings: {}, trusted: [], home: newHome(), vsix }, {}, join(here, "screenshots/bundled"));
