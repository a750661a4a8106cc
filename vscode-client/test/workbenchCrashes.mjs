// The packaged extension in a real VS Code workbench, with a scripted server that ends again and
// again. Screenshots go to test/screenshots/crashes.

import assert from "node:assert/strict";
import { copyFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startControl } from "./scriptedControl.mjs";
import { clearMessages, drive, listedMessage, newHome, pageOpenedBy, row, runCommand, statusBar, toast, until } from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const home = newHome();
const program = join(home, "server.mjs");
copyFileSync(join(here, "fakeServer.mjs"), program);

async function crash(control) {
  await until(() => control.listening() === 1);
  control.order("crash");
  await until(() => control.listening() === 0);
}

const steps = {
  async "a sign-in that the server does not survive is told in one message, which offers it again"({ page, context, control, shot }) {
    control.tellStatus();
    await statusBar(page, "Codex: Sign In");
    await runCommand(page, "Codex: Sign In");
    await (await pageOpenedBy(context, () => row(page, "Sign in with ChatGPT").click())).close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
    await crash(control);
    const message = toast(page, "The Codex sign-in server ended before it answered.");
    await message.getByText("Show Log", { exact: true }).waitFor();
    await toast(page, "Waiting for you").waitFor({ state: "detached" }); // VS Code shows it for a moment at least
    await shot("during-sign-in");
    await (await pageOpenedBy(context, () => message.getByText("Try Again", { exact: true }).click())).close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
    await toast(page, "Waiting for you").getByText("Cancel", { exact: true }).click();
    await statusBar(page, "Codex: Sign In");
  },

  async "a server that is away for a moment, as in an update, is started once it is back"({ page, control }) {
    renameSync(program, `${program}.old`);
    await crash(control);
    await statusBar(page, "Codex: Stopped");
    renameSync(`${program}.old`, program);
    await statusBar(page, "Codex: Sign In");
    assert.equal(await page.locator(".notifications-toasts .notification-list-item").count(), 0);
  },

  async "a server that keeps ending is left alone after three starts, and why is told"({ page, control, shot }) {
    await crash(control); // the fourth failure: the ones above count
    await statusBar(page, "Codex: Stopped");
    const message = await listedMessage(page, "keeps ending. The last time it ended with status 3");
    for (const action of ["Try Again", "Show Log", "Open Settings"]) await message.getByText(action, { exact: true }).waitFor();
    await shot("keeps-ending");
    await message.getByText("Try Again", { exact: true }).click();
    await statusBar(page, "Codex: Sign In");
    await clearMessages(page);
  },
};

const control = await startControl();
try {
  await drive(steps, { settings: { "codexAuth.server.command": [process.execPath, program, control.origin] }, trusted: [control.origin], home }, { control }, join(here, "screenshots/crashes"));
} finally {
  control.close();
}
