// The packaged extension in a real VS Code workbench, against the scripted server.
// Screenshots go to test/screenshots/scripted.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startControl } from "./scriptedControl.mjs";
import {
  clearMessages, dialog, drive, extensionFolder, leaveStatusBar, listedMessage, pageOpenedBy, paletteTitles, row, runCommand, statusBar, statusEntry, toast, until,
} from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const fakeServer = join(here, "fakeServer.mjs");
const API_KEY = "sk-test-SECRETKEY-0123456789";
const SECRETS = [API_KEY, "SECRETSTATE", "SECRETCODE", "SECRETPASTED", "SECRETTOLD", "SECRETLOGGED", "SECRETNAMED", "SECRETUSER", "SECRET-QUOTED", "WXYZ-S3CRT"];
const BROWSER = "Sign in with ChatGPT";
const TITLES = [
  "Codex: Sign In", "Codex: Sign In with Device Code", "Codex: Sign In with API Key",
  "Codex: Sign Out", "Codex: Account", "Codex: Show Log",
];

/** A command of another extension that is there only while the context keys say so. */
const WHEN_NEEDED = "Asker: A New Sign-In Is Needed";

// VS Code in a browser writes to the clipboard in either of these two ways.
const REFUSE_CLIPBOARD = "document.execCommand = navigator.clipboard.writeText = () => { throw new Error('refused'); };";
const ALLOW_CLIPBOARD = "delete document.execCommand; delete navigator.clipboard.writeText;";

/** One of the extension's pure modules. */
async function ofTheExtension(module) {
  const entry = join(here, `../src/${module}.ts`);
  const { outputFiles: [{ text }] } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
}

async function openAccountsMenu(page) {
  await page.locator(".activitybar [aria-label^=Accounts], .activitybar .codicon-accounts-view-bar-icon").first().click();
}

async function chooseInAccountsMenu(page, account, action) {
  await openAccountsMenu(page);
  await page.getByRole("menuitem", { name: account }).click();
  await page.getByRole("menuitem", { name: action }).hover();
  await page.keyboard.press("Enter"); // VS Code takes a quick click for the one that opened the menu
}

async function openWalkthrough(page) {
  await runCommand(page, "Welcome: Open Walkthrough...");
  await page.locator(".quick-input-widget .quick-input-box input").fill("Sign In to Codex");
  await row(page, "Sign In to Codex").click();
}

/** Not by the palette, which closes when the walkthrough takes the focus. */
async function closeWalkthrough(page) {
  await page.locator(".getting-started-step.expanded").waitFor();
  await page.getByRole("tab", { name: "Welcome" }).click({ button: "middle" });
  await page.locator(".getting-started-step").first().waitFor({ state: "detached" });
}

const steps = {
  async "the status is unknown until the server tells it"({ page, control, shot }) {
    await statusBar(page, "Codex: …");
    await statusEntry(page).getByRole("button", { name: "Codex: … The sign-in status is not known yet" }).waitFor();
    await shot("unknown");
    control.tellStatus();
    await statusBar(page, "Codex: Sign In");
    await statusEntry(page).getByRole("button", { name: "Codex: Sign In, nobody is signed in" }).waitFor();
    await shot("signed-out");
  },

  async "the package has the bundle with its licences, and neither sources nor paths of where it was made"({ home }) {
    const folder = extensionFolder(home);
    const names = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
    assert.deepEqual(names.filter((name) => !name.startsWith(".")).sort(), [
      "LICENSE.txt", "dist/ThirdPartyNotices.txt", "dist/extension.js", "icon.png", "package.json", "readme.md",
      "walkthrough/account.md", "walkthrough/server.md", "walkthrough/signIn.md",
    ]);
    const root = join(here, "../..");
    for (const name of names) assert.ok(!readFileSync(join(folder, name), "latin1").includes(root), name);
    assert.doesNotMatch(readFileSync(join(folder, "dist/extension.js"), "latin1"), /sourceMappingURL/);
  },

  async "says what it can do in the handshake"({ control }) {
    const { params } = control.received.find(({ method }) => method === "initialize");
    assert.deepEqual(params.capabilities.experimental.auth, { protocolVersion: 1, loginPrompt: true, environment: "web" });
  },

  async "settings of the workspace are told to have no effect"({ page, shot }) {
    const message = await listedMessage(page, "codexAuth.server.command and codexAuth.server.codexHome are set by this workspace, without effect");
    await message.getByText("Open Settings", { exact: true }).waitFor();
    await shot("workspace-settings");
    await clearMessages(page);
  },

  async "has its commands in the palette"({ page }) {
    const titles = await paletteTitles(page, "Codex: ");
    assert.deepEqual(titles.filter((title) => title.startsWith("Codex: ")).sort(), [...TITLES].sort());
    assert.ok(!(await paletteTitles(page, "Asker: ")).includes(WHEN_NEEDED)); // by the context keys
  },

  async "has a walkthrough of three steps, and the sign-in is not done"({ page }) {
    await openWalkthrough(page);
    await page.getByRole("button", { name: "Sign In: Not completed" }).waitFor();
    const titles = await page.locator(".getting-started-step .step-title").allInnerTexts();
    assert.deepEqual(titles, ["Install the Server", "Sign In", "See Your Account"]);
    await closeWalkthrough(page);
  },

  async "asks how to sign in, since the window is remote; a cancelled sign-in leaves no message"({ page, context }) {
    await runCommand(page, "Codex: Sign In");
    await row(page, BROWSER).waitFor();
    await page.keyboard.press("Escape");
    await statusBar(page, "Codex: Sign In");
    await runCommand(page, "Codex: Sign In");
    await (await pageOpenedBy(context, () => row(page, BROWSER).click())).close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
    await toast(page, "Codex: Waiting for you").getByText("Cancel", { exact: true }).click();
    await statusBar(page, "Codex: Sign In");
    assert.equal(await page.locator(".notifications-toasts .codicon-error").count(), 0);
  },

  async "signs in with the browser"({ page, context, shot }) {
    await statusEntry(page).click();
    await row(page, BROWSER).waitFor();
    await shot("how-to-sign-in");
    const signInPage = await pageOpenedBy(context, () => row(page, BROWSER).click());
    await signInPage.waitForURL(/SECRETSTATE/);
    await signInPage.close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
    await toast(page, "Waiting for you to sign in in the browser.").getByText("Cancel", { exact: true }).waitFor();
    await toast(page, "Waiting for you").getByRole("link", { name: "Paste Callback URL" }).waitFor();
    await leaveStatusBar(page);
    await shot("waiting");
  },

  async "the link of a waiting sign-in can be copied and opened again"({ page, context, control, shot }) {
    await toast(page, "Waiting for you").getByRole("link", { name: "Copy Link" }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes("SECRETSTATE"));
    await (await pageOpenedBy(context, () => toast(page, "Waiting for you").getByRole("link", { name: "Open Again" }).click())).close();
    await page.bringToFront();
    assert.ok(control.received.some(({ method }) => method === "auth/reopenBrowser"));
    await statusEntry(page).click();
    await row(page, "Copy Link").waitFor();
    await shot("account-waiting");
    await page.keyboard.press("Escape");
    await leaveStatusBar(page);
  },

  async "a workspace's settings neither start the server anew nor end a sign-in that waits"({ page, control, home }) {
    const starts = () => control.received.filter(({ method }) => method === "initialize").length;
    const before = starts();
    const changed = { ...options.workspaceSettings, "codexAuth.server.issuer": "https://evil.example", "codexAuth.other": 1, "window.title": "changed" };
    writeFileSync(join(home, "folder/.vscode/settings.json"), JSON.stringify(changed));
    await page.waitForFunction("document.title === 'changed'");
    await statusEntry(page).click();
    await row(page, "Cancel Sign-In").waitFor();
    await page.keyboard.press("Escape");
    await leaveStatusBar(page);
    assert.equal(starts(), before);
  },

  async "the address of the page that did not load can be pasted; a wrong one is told in the box"({ page, context, shot }) {
    await toast(page, "Waiting for you").getByRole("link", { name: "Paste Callback URL" }).click();
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.waitFor();
    await page.keyboard.press("Escape"); // which ends the box alone
    await statusBar(page, "Codex: Signing in…");
    await toast(page, "Waiting for you").getByRole("link", { name: "Paste Callback URL" }).click();
    await box.fill("http://localhost:1455/auth/callback?code=SECRETPASTED&state=another");
    await page.keyboard.press("Enter");
    await page.getByText("The address does not belong to the sign-in that is waiting.").first().waitFor();
    await shot("paste-callback");
    await box.fill("http://localhost:1455/auth/callback?code=SECRETPASTED&state=SECRETSTATE");
    await page.keyboard.press("Enter");
    await statusBar(page, "someone@example.com");
    await toast(page, "Signed in to Codex as someone@example.com").waitFor();
    await clearMessages(page);
    await runCommand(page, "Codex: Sign In");
    await (await pageOpenedBy(context, () => row(page, BROWSER).click())).close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
  },

  async "the account is shown after the sign-in"({ page, control, shot }) {
    control.order("signedIn");
    await statusBar(page, "someone@example.com");
    await toast(page, "Signed in to Codex as someone@example.com").waitFor();
    await shot("signed-in");
  },

  async "the walkthrough's first two steps are done by the sign-in"({ page, shot }) {
    await openWalkthrough(page);
    await page.getByRole("button", { name: "Sign In: Completed" }).waitFor();
    await page.locator(".getting-started-step").filter({ hasText: "Install the Server" }).locator(".codicon.complete").waitFor();
    await shot("walkthrough");
    await closeWalkthrough(page);
  },

  async "the tooltip has the facts"({ page, shot }) {
    await statusEntry(page).getByRole("button", { name: "Codex: signed in as someone@example.com" }).waitFor();
    await statusEntry(page).hover();
    const hover = page.locator(".monaco-hover").filter({ hasText: "Plan: ChatGPT Plus" });
    await hover.waitFor();
    assert.match(await hover.innerText(), /included in the ChatGPT plan/);
    await shot("tooltip");
    await leaveStatusBar(page);
  },

  async "the account menu has the facts and the actions"({ page, shot }) {
    await runCommand(page, "Codex: Account");
    await row(page, "Sign Out").waitFor();
    await page.getByPlaceholder("Signed in: someone@example.com. Choose what to do").waitFor();
    await shot("account");
    await page.keyboard.press("Escape");
  },

  async "the providers are listed with what is missing, and how to add it"({ page, shot }) {
    await runCommand(page, "Codex: Account");
    await row(page, "Model Providers").click();
    await row(page, "The lab").waitFor();
    await shot("providers");
    await row(page, "The lab").click();
    const message = toast(page, "started from a desktop");
    await message.getByText("Copy Variable Name", { exact: true }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) === "LAB_KEY");
  },

  async "the doctor's report is opened as a document"({ page, shot }) {
    await runCommand(page, "Codex: Account");
    await row(page, "Doctor Report").click();
    await row(page, "This Machine Only").click();
    await page.locator(".editor-instance .view-line").filter({ hasText: "Codex sign-in: doctor report" }).waitFor();
    await page.locator(".editor-instance .view-line").filter({ hasText: /permissions:.warning/ }).waitFor();
    assert.equal(await page.locator(".tab.active.dirty").count(), 0); // else VS Code makes a backup of it
    await shot("doctor");
    await runCommand(page, "View: Close Editor");
  },

  async "a notice is shown once, with its actions"({ page, control, shot }) {
    control.order("notice");
    const message = toast(page, "Other people on this computer can read the login. Run: chmod 600 auth.json.");
    await message.getByText("Sign out", { exact: true }).waitFor();
    await shot("notice");
    control.order("notice");
    control.order("needsReauth"); // comes after it, so the second notice has been received by then
    await statusBar(page, "Codex: Sign In Again");
    await listedMessage(page, "Other people on this computer");
    assert.equal(await page.locator(".notifications-center .notification-list-item").filter({ hasText: "Other people" }).count(), 1);
    await clearMessages(page);
  },

  async "prompts that nobody has asked for are not obeyed, and a message has no link"({ page, context, control }) {
    const [pages, sentence] = [context.pages().length, "A message with a [link] (command:codexAuth.signOut)"];
    control.order("strayPrompts");
    control.order("message");
    await toast(page, sentence).waitFor();
    assert.equal(await toast(page, sentence).getByRole("link").count(), 0);
    assert.equal(await dialog(page).count(), 0);
    assert.equal(context.pages().length, pages);
    await clearMessages(page);
  },

  async "a label from outside is text, in the bar and in the tooltip; the last error has its remedies"({ page, control, shot }) {
    control.order("oddLabel");
    await statusBar(page, "$(bug) [x](command:a) <b>");
    await statusEntry(page).hover();
    await page.locator(".monaco-hover").filter({ hasText: "Signed in: $(bug) [x](command:a) <b>" }).waitFor();
    assert.equal(await page.locator(".monaco-hover .codicon-bug, .monaco-hover a").count(), 0);
    await shot("odd-label");
    await leaveStatusBar(page);
    await runCommand(page, "Codex: Account");
    await page.getByPlaceholder("Choose what to do").fill("Last error");
    await row(page, "Last error: The sign-in service cannot be reached.").click();
    const message = toast(page, "Last error: The sign-in service cannot be reached.");
    await message.getByText("Sign in again", { exact: true }).waitFor();
    assert.equal(await message.getByText("Run a strange thing").count(), 0);
    await clearMessages(page);
    control.order("needsReauth");
    await statusBar(page, "Codex: Sign In Again");
  },

  async "signs out after asking"({ page, control, shot }) {
    await runCommand(page, "Codex: Sign Out");
    await dialog(page).getByText("The Codex CLI on this machine uses the same login").waitFor();
    await shot("sign-out");
    await dialog(page).getByRole("button", { name: "Sign Out" }).click();
    await statusBar(page, "Codex: Sign In");
    assert.ok(control.received.some(({ method }) => method === "auth/logout"));
  },

  async "a waiting browser can be given up for a device code, which tells the time that is left"({ page, context, shot }) {
    await runCommand(page, "Codex: Sign In");
    await (await pageOpenedBy(context, () => row(page, BROWSER).click())).close();
    await page.bringToFront();
    await toast(page, "Waiting for you").getByRole("link", { name: "Use Device Code" }).click();
    await dialog(page).getByText("Your code: WXYZ-SECRETCODE").waitFor();
    await dialog(page).getByText("About 15 minutes left.").waitFor();
    await shot("device-code");
    const devicePage = await pageOpenedBy(context, () => dialog(page).getByRole("button", { name: "Copy Code and Open" }).click());
    await devicePage.waitForURL(/\/device$/);
    await devicePage.close();
    await page.bringToFront();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "WXYZ-SECRETCODE");
    await toast(page, "minutes left").waitFor();
    await shot("device-code-waiting");
    await toast(page, "minutes left").getByRole("link", { name: "Show Code" }).click();
    await dialog(page).getByRole("button", { name: "Close", exact: true }).click();
    await statusBar(page, "Codex: Signing in…");
    assert.equal(await page.locator(".notifications-toasts .codicon-error").count(), 0);
    await toast(page, "minutes left").getByText("Cancel", { exact: true }).click();
    await statusBar(page, "Codex: Sign In");
  },

  async "a browser that does not open leaves the link, also where the clipboard refuses it"({ page, control, shot }) {
    const logins = () => control.received.filter(({ method }) => method === "auth/login").length;
    const before = logins();
    control.order("pagesElsewhere");
    await page.evaluate(REFUSE_CLIPBOARD);
    await runCommand(page, "Codex: Sign In");
    await row(page, BROWSER).click();
    await dialog(page).getByText("open the external website").waitFor();
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    const message = toast(page, "The browser did not open. Copy the link and open it yourself.");
    await message.getByText("Open Again", { exact: true }).waitFor();
    await shot("no-browser");
    await message.getByText("Copy Link", { exact: true }).click();
    await page.locator(".quick-input-widget").getByText("could not be put on the clipboard. Copy it from here.").waitFor();
    assert.match(await page.locator(".quick-input-widget input").first().inputValue(), /SECRETSTATE/);
    await page.keyboard.press("Escape");
    await page.evaluate(ALLOW_CLIPBOARD);
    control.order("pagesHere");
    await statusEntry(page).click();
    await row(page, "Cancel Sign-In").click();
    await statusBar(page, "Codex: Sign In");
    assert.equal(logins(), before + 1);
    await clearMessages(page);
  },

  async "signing out while a sign-in waits cancels it, after saying so"({ page, context }) {
    await runCommand(page, "Codex: Sign In");
    await (await pageOpenedBy(context, () => row(page, BROWSER).click())).close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
    await runCommand(page, "Codex: Sign Out");
    await dialog(page).getByText("The sign-in that is waiting for you is cancelled.").waitFor();
    await dialog(page).getByRole("button", { name: "Sign Out" }).click();
    await statusBar(page, "Codex: Sign In");
    await clearMessages(page);
  },

  async "a device code is cancelled with its dialog"({ page }) {
    await runCommand(page, "Codex: Sign In with Device Code");
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await statusBar(page, "Codex: Sign In");
  },

  async "signs in with an API key"({ page, control, shot }) {
    await runCommand(page, "Codex: Sign In with API Key");
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.fill(API_KEY);
    await shot("api-key");
    await page.keyboard.press("Enter");
    await toast(page, "billed at API rates").getByText("API pricing", { exact: true }).waitFor();
    await statusBar(page, "API key");
    await shot("signed-in-with-api-key");
    const { params } = control.received.findLast(({ method }) => method === "auth/login");
    assert.deepEqual(params, { method: "apiKey", apiKey: API_KEY });
  },

  async "what is closed without an answer changes nothing and tells nothing"({ page, control }) {
    await clearMessages(page);
    await runCommand(page, "Codex: Sign In with API Key");
    await page.locator(".quick-input-widget input[type=password]").waitFor();
    await page.keyboard.press("Escape");
    await runCommand(page, "Codex: Sign Out");
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await dialog(page).waitFor({ state: "detached" });
    assert.equal(control.received.findLast(({ method }) => method.startsWith("auth/log"))?.method, "auth/login");
    assert.equal(await page.locator(".notifications-toasts .notification-list-item").count(), 0);
  },

  async "a refused key is told in one message"({ page, shot }) {
    await runCommand(page, "Codex: Sign In with API Key");
    await page.locator(".quick-input-widget input[type=password]").fill("not a key");
    await page.keyboard.press("Enter");
    const message = await listedMessage(page, "That cannot be an API key.");
    await message.getByText("Show the log", { exact: true }).waitFor();
    assert.equal(await message.getByText("Show Log", { exact: true }).count(), 0);
    await shot("refused-key");
    await clearMessages(page);
  },

  async "a sign-out by another program is seen"({ page, control }) {
    control.order("otherProcessSignedOut");
    await statusBar(page, "Codex: Sign In");
  },

  async "a login that has ended asks for a new one"({ page, control, shot }) {
    control.order("needsReauth");
    await statusBar(page, "Codex: Sign In Again");
    await shot("needs-sign-in-again");
    assert.ok((await paletteTitles(page, "Asker: ")).includes(WHEN_NEEDED));
  },

  async "a crash is followed by a new start, with the status unknown in between"({ page, control }) {
    control.holdStatus();
    control.order("crash");
    await statusBar(page, "Codex: …");
    control.tellStatus();
    await statusBar(page, "Codex: Sign In");
    assert.equal(control.received.filter(({ method }) => method === "initialize").length, 2);
  },

  async "nothing that a workspace says is obeyed"({ home }) {
    assert.ok(!existsSync(join(home, "hostile")));
  },

  async "the log at its most talkative has none of the secrets"({ page, logs, files, shot }) {
    await runCommand(page, "Codex: Show Log");
    await page.locator(".part.panel .view-line").first().waitFor();
    await shot("log");
    for (const line of [/--> auth\/login \(\d+\) \{/, /the server says \S*\[hidden\]/, /the server adds .* of \[hidden\]/, /the server tells \S*\[hidden\]/]) {
      assert.match(logs(), line);
    }
    const written = files();
    for (const secret of SECRETS) assert.ok(!written.includes(secret), `${secret} is in a file`);
  },

  async "with the Accounts menu on, another extension gets a session once the person has allowed it"({ page, context, control, settings, changeSettings, files, shot }) {
    changeSettings({ ...settings, "codexAuth.accountsMenu": true });
    await until(() => control.received.filter(({ method }) => method === "initialize").length === 3);
    const { params } = control.received.findLast(({ method }) => method === "initialize");
    assert.equal(params.capabilities.experimental.auth.credential, true);
    await statusBar(page, "Codex: Sign In");
    await runCommand(page, "Codex: Sign In");
    await (await pageOpenedBy(context, () => row(page, BROWSER).click())).close();
    await page.bringToFront();
    control.order("signedIn");
    await statusBar(page, "someone@example.com");
    await runCommand(page, "Asker: Ask for a Codex Session");
    await dialog(page).getByText("wants to sign in using Codex").waitFor();
    await dialog(page).getByRole("button", { name: "Cancel" }).click();
    await toast(page, "Got no session").waitFor();
    await runCommand(page, "Asker: Ask for a Codex Session");
    await dialog(page).getByText("wants to sign in using Codex").waitFor();
    await shot("session-asked");
    await dialog(page).getByRole("button", { name: "Allow" }).click();
    await toast(page, `Got a session of someone@example.com, token of ${"SECRETACCESS".length} characters`).waitFor();
    await openAccountsMenu(page);
    await page.getByRole("menuitem", { name: /someone@example\.com \(Codex\)/ }).waitFor();
    await shot("accounts-menu");
    await page.keyboard.press("Escape");
    assert.ok(!files().includes("SECRETACCESS"));
    await clearMessages(page);
    await runCommand(page, "Asker: Ask for a New Codex Session");
    await dialog(page).getByRole("button", { name: "Allow" }).click();
    await row(page, BROWSER).waitFor();
    await page.keyboard.press("Escape");
    await toast(page, "Got no session").waitFor();
    await clearMessages(page);
  },

  async "signing out in the Accounts menu ends that account's login, and not the one that has taken its place"({ page, control, shot }) {
    const logouts = () => control.received.filter(({ method }) => method === "auth/logout").length;
    const before = logouts();
    await chooseInAccountsMenu(page, "someone@example.com (Codex)", "Sign Out");
    const confirm = dialog(page).getByRole("button", { name: "Sign Out" });
    await confirm.waitFor();
    await shot("accounts-sign-out");
    control.order("otherAccount");
    await statusBar(page, "other@example.com");
    await confirm.click();
    await dialog(page).waitFor({ state: "detached" });
    await chooseInAccountsMenu(page, "other@example.com (Codex)", "Sign Out");
    assert.equal(logouts(), before);
    await confirm.click();
    await statusBar(page, "Codex: Sign In");
    assert.equal(logouts(), before + 1);
    await clearMessages(page);
  },

  async "the address that VS Code has here for a callback is none that a sign-in can come back to"({ page }) {
    await runCommand(page, "Asker: Ask for an Address");
    const message = toast(page, "Outside it is");
    await message.waitFor();
    const [, outside] = /Outside it is (\S+) from now on/.exec(await message.innerText());
    assert.equal(new URL(outside).pathname, "/proxy/1455/");
    const { canComeBack } = await ofTheExtension("environment");
    assert.equal(await canComeBack(1455, () => Promise.resolve(outside)), false);
    await clearMessages(page);
  },

  async "an Accounts menu setting of the wrong type is named, and counts as off"({ page, control, settings, changeSettings }) {
    changeSettings({ ...settings, "codexAuth.accountsMenu": "yes" });
    await (await listedMessage(page, "The setting codexAuth.accountsMenu must be true or false")).getByText("Open Settings", { exact: true }).waitFor();
    await statusBar(page, "Codex: Sign In");
    const { params } = control.received.findLast(({ method }) => method === "initialize");
    assert.equal(params.capabilities.experimental.auth.credential, undefined);
    await clearMessages(page);
  },

  async "a server that ends at once is told with its status and last words"({ page, changeSettings, shot }) {
    changeSettings({ "codexAuth.server.command": ["/bin/sh", "-c", "echo no such module >&2; exit 3"] });
    await statusBar(page, "Codex: Stopped");
    const message = toast(page, "did not start: it ended with status 3: no such module.");
    for (const action of ["Try Again", "Show Log", "Open Settings"]) await message.getByText(action, { exact: true }).waitFor();
    await shot("ends-at-once");
    await clearMessages(page);
    await statusEntry(page).hover();
    await page.locator(".monaco-hover").filter({ hasText: "it ended with status 3: no such module." }).waitFor();
    await leaveStatusBar(page);
  },

  async "a Python without the server is told, and what to do"({ page, changeSettings, shot }) {
    changeSettings({ "codexAuth.server.command": ["python3", "-I", "-m", "codex_auth_lsp"] });
    await statusBar(page, "Codex: Stopped");
    const message = toast(page, "does not have the Codex sign-in server. Install codex-auth-lsp there");
    for (const action of ["Try Again", "Show Log", "Open Settings"]) await message.getByText(action, { exact: true }).waitFor();
    await shot("wrong-python");
    await clearMessages(page);
  },

  async "a server of an older protocol version is told, and what to update"({ page, control, changeSettings }) {
    changeSettings({ "codexAuth.server.command": [process.execPath, fakeServer, control.origin, "0"] });
    await toast(page, "Update the server.").getByText("Copy Update Command", { exact: true }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) === "pipx upgrade codex-auth-lsp");
    await statusBar(page, "Codex: Stopped");
    await clearMessages(page);
  },

  async "a server of another protocol version is told, and what to update"({ page, control, changeSettings }) {
    changeSettings({ "codexAuth.server.command": [process.execPath, fakeServer, control.origin, "2"] });
    await toast(page, "Update this extension.").getByText("Check for Extension Updates", { exact: true }).waitFor();
    await statusBar(page, "Codex: Stopped");
    await clearMessages(page);
  },

  async "a setting of the wrong type is named"({ page, changeSettings }) {
    changeSettings({ "codexAuth.server.command": "codex-auth-lsp" });
    await statusBar(page, "Codex: Server Not Found");
    await toast(page, "The setting codexAuth.server.command must be a list").getByText("Open Settings", { exact: true }).waitFor();
    await clearMessages(page);
  },

  async "without a server it says so, and how to get one"({ page, changeSettings, shot }) {
    changeSettings({});
    await statusBar(page, "Codex: Server Not Found");
    await toast(page, "needs the program codex-auth-lsp, which is not on the PATH.").getByText("How to Install", { exact: true }).waitFor();
    await shot("no-server");
    await toast(page, "Install it in the folder of its sources").getByText("Copy Install Command", { exact: true }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) === "pipx install .");
    await statusEntry(page).click();
    await toast(page, "needs the program codex-auth-lsp").waitFor(); // it is told once more, since somebody asked
    await toast(page, "needs the program codex-auth-lsp").getByText("How to Install", { exact: true }).click();
    await page.locator(".getting-started-step").filter({ hasText: "Install the Server" }).waitFor();
  },
};

const control = await startControl();
const options = {
  settings: { "codexAuth.server.command": [process.execPath, fakeServer, control.origin] },
  workspaceSettings: {
    "codexAuth.server.command": ["/bin/sh", "-c", 'touch "$HOME/hostile"'],
    "codexAuth.server.codexHome": "/tmp",
  },
  trusted: [control.origin],
  others: ["asker"],
};
try {
  await drive(steps, options, { control, settings: options.settings }, join(here, "screenshots/scripted"));
} finally {
  control.close();
}
