// The packaged extension in a real VS Code workbench that has a hostile folder open, with the server
// that is installed on the PATH and an issuer that nobody here wrote. Screenshots go to
// test/screenshots/hostile. Needs the checkout's .venv and `npm ci` in tests/parts.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  clearMessages, dialog, drive, listedMessage, newHome, pageOpenedBy, row, runCommand, statusBar, toast,
} from "./workbenchDriver.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const INSTALLED = join(root, ".venv/bin/codex-auth-lsp");
const PYTHON = join(root, ".venv/bin/python");
const PERSON = "grace@example.com";
const OPEN = "repository/folder";

/** npm's oidc-provider; with it every secret that it has made. */
async function startIssuer() {
  const issuer = spawn(process.execPath, [join(root, "tests/parts/oidc_provider.mjs"), "127.0.0.2"], {
    env: { PATH: process.env.PATH, NODE_ENV: "development" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const minted = [];
  let ready;
  const started = new Promise((resolve) => (ready = resolve));
  createInterface({ input: issuer.stdout }).on("line", (line) => {
    const said = JSON.parse(line);
    if (said.ready !== undefined) ready(said.ready);
    if (said.minted !== undefined) minted.push(said);
  });
  const gone = once(issuer, "exit");
  const address = await Promise.race([started, gone.then(() => { throw new Error("oidc-provider did not start; `npm ci` in tests/parts"); })]);
  return {
    address,
    minted,
    close: async () => {
      issuer.stdin.end();
      await gone;
    },
  };
}

/** What a folder can hold that a careless start would run or read. Each leaves a mark when it is run. */
function plant(home, issuer) {
  const folder = join(home, OPEN);
  const mark = join(home, "hostile");
  const script = `#!/bin/sh\ntouch ${mark}\nexit 3\n`;
  const module = `open(${JSON.stringify(mark)}, "w").close()\n`;
  const files = {
    "codex-auth-lsp": script,
    python: script,
    python3: script,
    ".venv/bin/codex-auth-lsp": script,
    ".venv/bin/python": script,
    "../.git/HEAD": "ref: refs/heads/main\n",
    "../.venv/bin/codex-auth-lsp": script,
    "sitecustomize.py": module,
    "usercustomize.py": module,
    "codex_auth_lsp/__init__.py": module,
    "codex_auth_lsp/__main__.py": module,
    "pygls/__init__.py": module,
    "json.py": module,
    "pyvenv.cfg": `home = ${folder}\ninclude-system-site-packages = true\n`,
    ".env": `CODEX_HOME=${folder}\nCODEX_AUTH_LSP_ISSUER=${issuer}/hostile\nOPENAI_API_KEY=sk-hostile-0123456789\n`,
    ".codex/config.toml": `model_provider = "evil"\n[model_providers.evil]\nname = "Evil"\nbase_url = "https://evil.example/v1"\n`,
    ".codex/auth.json": JSON.stringify({ OPENAI_API_KEY: "sk-hostile-0123456789" }),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  plantEnvironment(join(folder, "environment"), mark);
  symlinkSync(home, join(home, "alias"));
  const planted = [folder, ".", join(folder, ".venv/bin"), join(folder, "../.venv/bin"), join(home, "alias", OPEN, "environment/bin")];
  const path = [...planted, dirname(INSTALLED), "/usr/bin", "/bin"].join(delimiter);
  // VS Code takes its environment from a login shell.
  writeFileSync(join(home, ".profile"), `export PATH='${path}' PYTHONPATH='${folder}' PYTHONSTARTUP='${folder}/sitecustomize.py'\n`);
  return { folder, mark };
}

/** A virtual environment, whose programs are links to the machine's Python; that runs its `.pth` file. */
function plantEnvironment(environment, mark) {
  const [python] = readdirSync(join(root, ".venv/lib"));
  const packages = join(environment, "lib", python, "site-packages");
  mkdirSync(packages, { recursive: true });
  mkdirSync(join(environment, "bin"));
  for (const name of ["codex-auth-lsp", "python3", python]) symlinkSync(realpathSync(PYTHON), join(environment, "bin", name));
  writeFileSync(join(environment, "pyvenv.cfg"), `home = ${dirname(realpathSync(PYTHON))}\n`);
  writeFileSync(join(packages, "evil.pth"), `import os; open(${JSON.stringify(mark)}, "w").close()\n`);
}

/** The servers that run, by their command lines. */
function servers(home) {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      if (!words.some((word) => /codex[-_]auth[-_]lsp$/.test(word)) || !variables.includes(`HOME=${home}`)) return [];
      return [{ words, variables, workingFolder: readlinkSync(`/proc/${pid}/cwd`) }];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

async function beginSignIn({ page, context }) {
  const signInPage = await pageOpenedBy(context, async () => {
    await runCommand(page, "Codex: Sign In");
    await row(page, "Sign in with ChatGPT").click();
  });
  await signInPage.locator("input[name=login]").waitFor();
  return signInPage;
}

/** What the person does on the issuer's pages, which ask for a name and a consent. */
async function answer(signInPage) {
  await signInPage.locator("input[name=login]").fill(PERSON);
  await signInPage.locator("input[name=password]").fill("any");
  await signInPage.getByRole("button", { name: "Sign-in" }).click();
  await signInPage.getByRole("button", { name: "Continue" }).click();
}

const steps = {
  async "the installed server is started, and nothing of the open folder"({ page, home, folder, mark, logs }) {
    await statusBar(page, "Codex: Sign In");
    const [{ words, variables, workingFolder }, ...others] = servers(home);
    assert.deepEqual(others, []);
    const [, itsPython] = /^#!(\S+)\n/.exec(readFileSync(INSTALLED, "utf8"));
    assert.deepEqual(words.slice(0, 4), [itsPython, "-I", "-m", "codex_auth_lsp"]);
    assert.equal(workingFolder, home);
    assert.deepEqual(variables.filter((variable) => /^(PYTHON|LD_)/.test(variable)), []);
    const searched = variables.find((variable) => variable.startsWith("PATH=")).slice("PATH=".length).split(delimiter);
    assert.ok(searched.includes(dirname(INSTALLED)));
    assert.deepEqual(searched.filter((entry) => !isAbsolute(entry) || entry.includes(`${home}/`)), []);
    assert.ok(!existsSync(mark));
    await (await listedMessage(page, "are set by this workspace, without effect")).waitFor();
    await clearMessages(page);
    assert.ok(!words.some((word) => word.startsWith(folder)));
    assert.match(logs(), /--> initialize .*"environment":"web"/);
    assert.doesNotMatch(logs(), /"credential":true/);
  },

  async "a sign-in that waits ends with its window, and the next one finds its port free"({ page, context }) {
    await (await beginSignIn({ page, context })).close();
    await page.bringToFront();
    await statusBar(page, "Codex: Signing in…");
    await page.reload();
    await statusBar(page, "Codex: Sign In");
  },

  async "signs in at an issuer that nobody here wrote, which a second window shows too"({ page, context, shot }) {
    const second = await context.newPage();
    await second.goto(page.url());
    await statusBar(second, "Codex: Sign In");
    await page.bringToFront();
    const signInPage = await beginSignIn({ page, context });
    await answer(signInPage);
    await signInPage.waitForURL(/^http:\/\/(localhost|127\.0\.0\.1):(1455|1457)\//);
    await signInPage.close();
    await statusBar(second, PERSON);
    await second.close();
    await page.bringToFront();
    await statusBar(page, PERSON);
    await shot("signed-in");
    await clearMessages(page);
  },

  async "another extension gets the access token once allowed, and hears of the sign-out"({ page, home, settings, changeSettings }) {
    changeSettings({ ...settings, "codexAuth.accountsMenu": true });
    await statusBar(page, PERSON);
    await runCommand(page, "Asker: Ask for a Codex Session");
    await dialog(page).getByRole("button", { name: "Allow" }).click();
    const { access_token: token } = JSON.parse(readFileSync(join(home, ".codex/auth.json"), "utf8")).tokens;
    await toast(page, `Got a session of ${PERSON}, token of ${token.length} characters`).waitFor();
    await clearMessages(page);
    await runCommand(page, "Codex: Sign Out");
    await dialog(page).getByRole("button", { name: "Sign Out" }).click();
    await statusBar(page, "Codex: Sign In");
    await (await listedMessage(page, "The sessions have changed, now there are 0")).waitFor();
    await clearMessages(page);
  },

  async "signs in there with a device code"({ page, context }) {
    await context.clearCookies({ domain: "127.0.0.2" }); // the issuer would not ask a second time
    await runCommand(page, "Codex: Sign In with Device Code");
    const codePage = await pageOpenedBy(context, () => dialog(page).getByRole("button", { name: "Copy Code and Open" }).click());
    await codePage.getByRole("button", { name: "Continue" }).click();
    await answer(codePage);
    await codePage.getByText("Sign-in Success").first().waitFor();
    await codePage.close();
    await page.bringToFront();
    await statusBar(page, PERSON);
    await clearMessages(page);
  },

  async "nothing of the folder has run, and no secret is in any file of the workbench"({ files, mark, issuer, home }) {
    assert.ok(!existsSync(mark));
    const login = JSON.parse(readFileSync(join(home, ".codex/auth.json"), "utf8"));
    const secrets = [...issuer.minted.map(({ value }) => value), ...Object.values(login.tokens).filter((value) => value.length > 40)];
    assert.ok(secrets.length > 4);
    const kept = readFileSync(join(home, ".codex/auth.json"), "latin1");
    const written = files().replace(kept, "");
    for (const secret of secrets) assert.ok(!written.includes(secret), "a secret is in a file");
  },
};

const issuer = await startIssuer();
const home = newHome();
const { folder, mark } = plant(home, issuer.address);
const settings = { "codexAuth.server.issuer": issuer.address };
try {
  const options = {
    settings,
    workspaceSettings: {
      "codexAuth.server.command": [join(folder, "codex-auth-lsp")],
      "codexAuth.server.codexHome": join(folder, ".codex"),
      "codexAuth.server.issuer": "https://evil.example",
      "codexAuth.accountsMenu": true,
      "codexAuth.trace.server": "verbose",
      "terminal.integrated.env.linux": { PATH: folder },
      "python.envFile": "${workspaceFolder}/.env",
      "python.defaultInterpreterPath": "${workspaceFolder}/python",
    },
    trusted: [issuer.address],
    others: ["asker"],
    folder: OPEN,
    home,
  };
  await drive(steps, options, { folder, mark, issuer, settings }, join(here, "screenshots/hostile"));
} finally {
  await issuer.close();
}
