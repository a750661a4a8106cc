import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { test } from "node:test";
import { findServer, serverEnvironment, type Machine, type ServerSettings } from "../../src/serverCommand";

const NO_SETTINGS: ServerSettings = { command: undefined, codexHome: undefined, issuer: undefined };

function machine(programs: string[], more: Partial<Machine> = {}): Machine {
  return {
    path: ["/usr/bin", "/home/someone/.local/bin"].join(delimiter),
    platform: "linux",
    workspaceFolders: [],
    isExecutableFile: (path) => programs.includes(path),
    realPath: (path) => path,
    ...more,
  };
}

test("the setting comes first and is used as it is", () => {
  const command = ["/opt/python", "-I", "-m", "codex_auth_lsp"];
  assert.deepEqual(findServer({ ...NO_SETTINGS, command }, machine(["/usr/bin/codex-auth-lsp"])), {
    found: true,
    command: { program: "/opt/python", args: ["-I", "-m", "codex_auth_lsp"] },
  });
});

test("without the setting the program on the PATH is started by its own path", () => {
  assert.deepEqual(findServer(NO_SETTINGS, machine(["/home/someone/.local/bin/codex-auth-lsp"])), {
    found: true,
    command: { program: "/home/someone/.local/bin/codex-auth-lsp", args: [] },
  });
});

test("an empty list is no setting", () => {
  assert.equal(findServer({ ...NO_SETTINGS, command: [] }, machine(["/usr/bin/codex-auth-lsp"])).found, true);
});

test("a bare name in the setting is looked for on the PATH", () => {
  assert.deepEqual(findServer({ ...NO_SETTINGS, command: ["python3", "-I"] }, machine(["/usr/bin/python3"])), {
    found: true,
    command: { program: "/usr/bin/python3", args: ["-I"] },
  });
});

test("folder and issuer are handed over as options, after the command's own arguments", () => {
  const settings = { command: ["/opt/python", "-I"], codexHome: "/home/someone/codex", issuer: "https://auth.example.com" };
  assert.deepEqual(findServer(settings, machine([])), {
    found: true,
    command: {
      program: "/opt/python",
      args: ["-I", "--codex-home", "/home/someone/codex", "--issuer", "https://auth.example.com"],
    },
  });
});

test("relative and empty folders of the PATH are passed over", () => {
  const path = ["", ".", "bin"].join(delimiter);
  assert.equal(findServer(NO_SETTINGS, machine(["codex-auth-lsp", "bin/codex-auth-lsp"], { path })).found, false);
});

test("a program inside an open folder is not started, and the message says why", () => {
  const search = findServer(NO_SETTINGS, machine(["/work/bin/codex-auth-lsp"], { path: "/work/bin", workspaceFolders: ["/work"] }));
  assert.ok(!search.found);
  assert.equal(search.reason, "insideWorkspace");
  assert.match(search.message, /\/work\/bin\/codex-auth-lsp lies in an open folder/);
});

test("a link that leads into an open folder is not started either", () => {
  const links: Record<string, string> = { "/usr/bin/codex-auth-lsp": "/work/evil" };
  const search = findServer(
    NO_SETTINGS,
    machine(["/usr/bin/codex-auth-lsp"], { workspaceFolders: ["/work"], realPath: (path) => links[path] ?? path }),
  );
  assert.ok(!search.found);
});

test("a folder whose name merely begins like the open one is outside", () => {
  const search = findServer(NO_SETTINGS, machine(["/work-tools/codex-auth-lsp"], { path: "/work-tools", workspaceFolders: ["/work"] }));
  assert.ok(search.found);
});

test("without a server the message has the install command", () => {
  const search = findServer(NO_SETTINGS, machine([]));
  assert.ok(!search.found);
  assert.equal(search.reason, "notInstalled");
  assert.match(search.message, /pipx install codex-auth-lsp/);
});

for (const settings of [
  { command: "codex-auth-lsp" },
  { command: ["/opt/python", 3] },
  { command: [""] },
  { command: ["./server"] },
  { command: ["${workspaceFolder}/server"] },
  { codexHome: "codex" },
  { codexHome: 7 },
  { issuer: ["https://a.example"] },
]) {
  test(`a setting that cannot be used is named: ${JSON.stringify(settings)}`, () => {
    const search = findServer({ ...NO_SETTINGS, ...settings }, machine(["/usr/bin/codex-auth-lsp"]));
    assert.ok(!search.found);
    assert.equal(search.reason, "settingInvalid");
    assert.ok(search.message.includes(`codexAuth.server.${Object.keys(settings)[0] ?? ""}`), search.message);
  });
}

test("variables that change which code runs are left out of the server's environment", () => {
  const environment = {
    HOME: "/home/someone",
    HTTPS_PROXY: "http://proxy",
    PYTHONPATH: "/work",
    PYTHONSTARTUP: "/work/x.py",
    LD_PRELOAD: "/work/x.so",
    DYLD_INSERT_LIBRARIES: "/work/x.dylib",
    NODE_OPTIONS: "--require /work/x.js",
    BASH_ENV: "/work/x.sh",
    ELECTRON_RUN_AS_NODE: "1",
  };
  assert.deepEqual(serverEnvironment(environment), { HOME: "/home/someone", HTTPS_PROXY: "http://proxy" });
});
