// The packaged extension in a real VS Code workbench, with the real language server of this
// checkout, against the sandbox issuer: a person signs in on its pages in a real browser.
// Screenshots go to test/screenshots/real, and with UPDATE_SCREENSHOTS=1 to docs/screenshots too.
// Needs the checkout's .venv, which `make demo` sets up.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  clearMessages, dialog, drive, leaveStatusBar, listedMessage, newHome, pageOpenedBy, row, runCommand, statusBar, statusEntry, toast, until,
} from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const shots = join(here, "screenshots/real");
const PROGRAM = [join(root, ".venv/bin/python"), "-I", "-m", "codex_auth_lsp"];
const CODEX_CLI = join(root, "tests/parts/node_modules/.bin/codex");
const API_KEY = "sk-sandbox-0123456789-not-a-real-key";
const PERSON = "plus@example.com";

/** The issuer, on 127.0.0.2: VS Code in a browser rewrites addresses on 127.0.0.1 and no others. */
async function startSandbox() {
  assert.ok(existsSync(PROGRAM[0]), `${PROGRAM[0]} is missing; make demo sets it up`);
  const issuerProcess = spawn(PROGRAM[0], [...PROGRAM.slice(1), "sandbox", "--host", "127.0.0.2", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(issuerProcess, "exit");
  const [line] = await Promise.race([
    once(createInterface({ input: issuerProcess.stdout }), "line"),
    gone.then(() => { throw new Error("the sandbox did not start"); }),
  ]);
  const { issuer, control } = JSON.parse(line);
  return {
    issuer,
    ask: async (what) => (await fetch(`${control}/${what}`)).json(),
    tell: async (what, body = {}) => {
      const headers = { "content-type": "application/json" };
      const { ok } = await fetch(`${control}/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
      assert.ok(ok, what);
    },
    close: async () => {
      issuerProcess.kill();
      await gone;
    },
  };
}

/** What the addresses of a sign-in carried; none of it may be kept. */
const carried = new Map();

function noteAddresses(context) {
  context.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (!["/oauth/authorize", "/auth/callback"].includes(pathname)) return;
    for (const name of ["state", "code"]) {
      if (searchParams.has(name)) carried.set(searchParams.get(name), name);
    }
  });
}

/** Begins a sign-in from the palette; returns the issuer's page. */
async function beginSignIn({ page, context }) {
  const signInPage = await pageOpenedBy(context, async () => {
    await runCommand(page, "Codex: Sign In");
    await row(page, "Sign in with ChatGPT").click(); // asked, since a workbench in a browser is a remote window
  });
  await signInPage.locator("button.person").first().waitFor();
  return signInPage;
}

/** Does what the person does on the issuer's pages; returns what the last page says. */
async function answer(signInPage, { allow }) {
  await signInPage.locator("button.person").filter({ hasText: PERSON }).click();
  await signInPage.getByRole("button", { name: allow ? "Allow" : "Deny" }).click();
  await signInPage.waitForURL(/^http:\/\/(localhost|127\.0\.0\.1):(1455|1457)\//);
  const text = await signInPage.locator("body").innerText();
  await signInPage.close();
  return text;
}

/** The process ids of the servers that the workbench has started. */
function serversOf(codexHome) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return words.includes(codexHome) && words.includes("debug");
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

/** The Codex CLI signs out; where it is not installed, this project's own command line does. */
function logOutElsewhere(codexHome, command, issuer) {
  const env = { PATH: process.env.PATH, HOME: codexHome, CODEX_HOME: codexHome, CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${issuer}/oauth/revoke` };
  const withCli = existsSync(CODEX_CLI);
  if (!withCli) console.log("      (the Codex CLI is not installed: `npm ci` in tests/parts does it)");
  const { status } = withCli
    ? spawnSync(CODEX_CLI, ["logout"], { env, stdio: "inherit" })
    : spawnSync(command[0], [...command.slice(1), "logout"], { stdio: "inherit" });
  assert.equal(status, 0);
}

const steps = {
  async "nobody is signed in"({ page, context, shotInBothThemes }) {
    noteAddresses(context);
    await statusBar(page, "Codex: Sign In");
    await shotInBothThemes("signed-out");
  },

  async "a person signs in on the issuer's pages"({ page, context, codexHome, shotInBothThemes }) {
    const signInPage = await beginSignIn({ page, context });
    await page.bringToFront();
    await toast(page, "Codex: Waiting for you").getByText("Cancel", { exact: true }).waitFor();
    await statusBar(page, "Codex: Signing in…");
    await shotInBothThemes("waiting");
    assert.match(await answer(signInPage, { allow: true }), new RegExp(PERSON));
    await page.bringToFront();
    await statusBar(page, PERSON);
    await toast(page, `Signed in to Codex as ${PERSON}`).waitFor();
    await shotInBothThemes("signed-in");
    assert.equal(statSync(join(codexHome, "auth.json")).mode & 0o777, 0o600);
  },

  async "the tooltip has the facts"({ page, shot }) {
    await statusEntry(page).hover();
    await page.locator(".monaco-hover").filter({ hasText: "Plan: ChatGPT Plus" }).waitFor();
    await shot("tooltip");
    await leaveStatusBar(page);
    await clearMessages(page);
  },

  async "a sign-out by another program is seen"({ page, command }) {
    const { status } = spawnSync(command[0], [...command.slice(1), "logout"], { stdio: "inherit" });
    assert.equal(status, 0);
    await statusBar(page, "Codex: Sign In");
  },

  async "a sign-in that the person refuses is told in one message"({ page, context, codexHome, shot }) {
    await answer(await beginSignIn({ page, context }), { allow: false });
    await page.bringToFront();
    await (await listedMessage(page, "The sign-in was refused")).getByText("Sign in again", { exact: true }).waitFor();
    await statusBar(page, "Codex: Sign In");
    await shot("refused");
    await clearMessages(page);
    assert.ok(!existsSync(join(codexHome, "auth.json")));
  },

  async "signs in with an API key"({ page, codexHome, shot }) {
    await runCommand(page, "Codex: Sign In with API Key");
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.fill(API_KEY);
    await box.press("Enter");
    await (await listedMessage(page, "billed at API rates")).waitFor();
    await statusBar(page, "API key");
    await shot("signed-in-with-api-key");
    await clearMessages(page);
    assert.equal(JSON.parse(readFileSync(join(codexHome, "auth.json"), "utf8")).OPENAI_API_KEY, API_KEY);
  },

  async "a deleted login is seen"({ page, codexHome }) {
    rmSync(join(codexHome, "auth.json"));
    await statusBar(page, "Codex: Sign In");
  },

  async "the bar tells what config.toml and the login's file say, whoever writes them"({ page, codexHome }) {
    const [config, variables, login] = ["config.toml", ".env", "auth.json"].map((name) => join(codexHome, name));
    const lab = 'model_provider = "lab"\n[model_providers.lab]\nname = "The lab"\nbase_url = "https://lab.example/v1"\n';
    writeFileSync(config, `${lab}env_key = "LAB_KEY"\n`);
    await statusBar(page, "Codex: Key Not Set");
    writeFileSync(variables, "LAB_KEY=lab-0123456789\n");
    await statusBar(page, "Codex: Environment Key");
    writeFileSync(config, lab);
    await statusBar(page, "Codex: No Sign-In Needed");
    rmSync(config);
    rmSync(variables);
    await statusBar(page, "Codex: Sign In");
    writeFileSync(login, "{ damaged", { mode: 0o600 });
    await statusBar(page, "Codex: Login Unreadable");
    await page.locator(".statusbar-item.warning-kind").filter({ hasText: "Codex: Login Unreadable" }).waitFor();
    rmSync(login);
    await statusBar(page, "Codex: Sign In");
  },

  async "what cannot be a key is told in one message"({ page, shot }) {
    await runCommand(page, "Codex: Sign In with API Key");
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.fill("not a key");
    await box.press("Enter");
    await (await listedMessage(page, "API key")).getByText("Create an API key", { exact: true }).waitFor();
    await shot("refused-key");
    await clearMessages(page);
  },

  async "signs in with a device code"({ page, context, shotInBothThemes }) {
    await runCommand(page, "Codex: Sign In with Device Code");
    await dialog(page).getByText("Your code:").waitFor();
    await dialog(page).getByText("minutes left").waitFor();
    await shotInBothThemes("device-code");
    const codePage = await pageOpenedBy(context, () => dialog(page).getByRole("button", { name: "Copy Code and Open" }).click());
    await codePage.locator("#user_code").fill(await page.evaluate(() => navigator.clipboard.readText()));
    await codePage.getByRole("button", { name: "Continue" }).click();
    await codePage.locator("button.person").filter({ hasText: PERSON }).click();
    await codePage.getByRole("button", { name: "Allow" }).click();
    await codePage.getByRole("button", { name: "Allow" }).waitFor({ state: "detached" });
    await codePage.close();
    await page.bringToFront();
    await statusBar(page, PERSON);
    await toast(page, `Signed in to Codex as ${PERSON}`).waitFor();
    await clearMessages(page);
  },

  async "signs in with the address of a page that did not load"({ page, context, shot }) {
    const signInPage = await beginSignIn({ page, context });
    let address;
    await context.route("**/consent", async (route) => {
      const answered = await route.fetch({ maxRedirects: 0 });
      address = answered.headers().location;
      await route.fulfill({ status: 200, body: "This site can not be reached." });
    });
    await signInPage.locator("button.person").filter({ hasText: PERSON }).click();
    await signInPage.getByRole("button", { name: "Allow" }).click();
    await signInPage.getByText("can not be reached").waitFor();
    await context.unroute("**/consent");
    for (const name of ["state", "code"]) carried.set(new URL(address).searchParams.get(name), name);
    await signInPage.close();
    await page.bringToFront();
    await toast(page, "Paste Callback URL").getByRole("link", { name: "Paste Callback URL" }).click();
    const box = page.locator(".quick-input-widget input[type=password]");
    await box.fill(address.replace("state=", "state=x"));
    await box.press("Enter");
    await page.getByText("The address does not belong to the sign-in that is waiting").first().waitFor();
    await shot("paste-callback");
    await box.fill(address);
    await box.press("Enter");
    await toast(page, `Signed in to Codex as ${PERSON}`).waitFor();
    await statusBar(page, PERSON);
    await clearMessages(page);
  },

  async "the account menu has the server's providers, and what one of them lacks"({ page, codexHome, shot, shotInBothThemes }) {
    const lab = '[model_providers.lab]\nname = "The lab"\nbase_url = "https://lab.example/v1"\nenv_key = "LAB_KEY"\n';
    appendFileSync(join(codexHome, "config.toml"), lab);
    await runCommand(page, "Codex: Account");
    await row(page, "Multi-Factor Authentication").waitFor();
    await shotInBothThemes("account");
    await row(page, "Model Providers").click();
    await row(page, "The lab").waitFor();
    await shot("providers");
    await row(page, "The lab").click();
    await toast(page, "LAB_KEY").getByText("Copy Variable Name", { exact: true }).waitFor();
    await clearMessages(page);
  },

  async "the doctor examines the machine and the issuer"({ page, shot }) {
    await runCommand(page, "Codex: Account");
    await row(page, "Doctor Report").click();
    await row(page, "Also the Sign-In Service").click();
    await page.locator(".editor-instance .view-line").filter({ hasText: "Codex sign-in: doctor report" }).waitFor();
    await shot("doctor");
    await runCommand(page, "View: Close Editor");
  },

  async "a killed server is started again, and the login is there"({ page, codexHome }) {
    const [killed, ...others] = serversOf(codexHome);
    assert.deepEqual(others, []);
    process.kill(killed, "SIGKILL");
    await until(() => serversOf(codexHome).some((pid) => pid !== killed));
    await statusBar(page, PERSON);
  },

  async "a second window shows the same, and hears of a logout by the Codex CLI too"({ page, context, codexHome, command, sandbox }) {
    const second = await context.newPage();
    await second.goto(page.url());
    await statusBar(second, PERSON);
    logOutElsewhere(codexHome, command, sandbox.issuer);
    await statusBar(second, "Codex: Sign In");
    await page.bringToFront();
    await statusBar(page, "Codex: Sign In");
    await second.close();
  },

  async "a login that the issuer has ended asks for a new one"({ page, context, sandbox, shotInBothThemes }) {
    await sandbox.tell("policy", { accessSeconds: 10 }); // so that it is to be renewed soon
    await answer(await beginSignIn({ page, context }), { allow: true });
    await page.bringToFront();
    await statusBar(page, PERSON);
    await clearMessages(page);
    await sandbox.tell("revoke-all");
    await statusBar(page, "Codex: Sign In Again");
    await leaveStatusBar(page);
    await shotInBothThemes("needs-sign-in-again");
    await sandbox.tell("policy", { accessSeconds: 3600 });
  },

  async "signing out revokes the login"({ page, context, codexHome, sandbox, shot }) {
    await answer(await beginSignIn({ page, context }), { allow: true });
    await page.bringToFront();
    await statusBar(page, PERSON);
    await runCommand(page, "Codex: Sign Out");
    const signOut = dialog(page).getByRole("button", { name: "Sign Out" });
    await signOut.waitFor();
    await shot("sign-out");
    await signOut.click();
    await toast(page, "Signed out of Codex.").waitFor();
    await statusBar(page, "Codex: Sign In");
    assert.ok(!existsSync(join(codexHome, "auth.json")));
    const { requests } = await sandbox.ask("log");
    assert.equal(requests.filter(({ path }) => path === "/oauth/revoke").at(-1)?.status, 200);
  },

  async "no secret is in any file of the workbench"({ page, sandbox, logs, files, shot }) {
    await runCommand(page, "Codex: Show Log");
    await page.locator(".part.panel .view-line").first().waitFor();
    await shot("log");
    assert.match(logs(), /<-- answer to auth\/logout \(\d+\) \{/);
    const { secrets } = await sandbox.ask("secrets");
    for (const { kind, value } of secrets) carried.set(value, kind);
    carried.set(API_KEY, "typed API key");
    const kinds = new Set(carried.values());
    for (const kind of ["state", "code", "accessToken", "refreshToken"]) assert.ok(kinds.has(kind), kind);
    const written = files();
    for (const [value, kind] of carried) assert.ok(!written.includes(value), `the ${kind} is in a file`);
  },
};

const sandbox = await startSandbox();
const home = newHome();
const codexHome = join(home, ".codex");
mkdirSync(codexHome, { mode: 0o700 });
try {
  const options = {
    settings: {
      "codexAuth.server.command": [...PROGRAM, "--log-level", "debug"],
      "codexAuth.server.codexHome": codexHome,
      "codexAuth.server.issuer": sandbox.issuer,
    },
    trusted: [sandbox.issuer],
    home,
  };
  const command = [...PROGRAM, "--codex-home", codexHome, "--issuer", sandbox.issuer];
  await drive(steps, options, { sandbox, codexHome, command }, shots);
} finally {
  await sandbox.close();
}

if (process.env.UPDATE_SCREENSHOTS === "1" && process.exitCode === undefined) {
  const published = join(root, "docs/screenshots");
  mkdirSync(published, { recursive: true });
  for (const name of ["signed-out", "waiting", "signed-in", "account", "device-code", "needs-sign-in-again"]) {
    for (const theme of ["light", "dark"]) {
      copyFileSync(join(shots, `${name}-${theme}.png`), join(published, `vscode-${name}-${theme}.png`));
    }
  }
}
