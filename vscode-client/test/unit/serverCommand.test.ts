import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { test } from "node:test";
import { findServer, startFailure, type Machine, type ServerSettings } from "../../src/serverCommand";

const NO_SETTINGS: ServerSettings = { command: undefined, codexHome: undefined, issuer: undefined };

function machine(programs: string[], more: Partial<Machine> = {}): Machine {
  return {
    path: ["/usr/bin", "/home/someone/.local/bin"].join(delimiter),
    bundled: undefined,
    platform: "linux",
    workspaceFolders: [],
    isExecutableFile: (path) => programs.includes(path),
    realPath: (path) => path,
    beginningOf: () => "",
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

test("without a server the message has its name, and no command that would ask a package index for it", () => {
  const search = findServer(NO_SETTINGS, machine([]));
  assert.ok(!search.found);
  assert.equal(search.reason, "notInstalled");
  assert.match(search.message, /needs the program codex-auth-lsp, which is not on the PATH\. Install it in the folder of its sources with: pipx install \.$/);
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

const BUNDLED = { folder: "/ext/server", python: "3.11" };

test("the bundled copy is taken where no server is on the PATH, by the Python that it is for", () => {
  const programs = ["/usr/bin/python3", "/home/someone/.local/bin/python3.11"];
  assert.deepEqual(findServer({ ...NO_SETTINGS, issuer: "https://auth.example.com" }, machine(programs, { bundled: BUNDLED })), {
    found: true,
    command: {
      program: "/home/someone/.local/bin/python3.11",
      args: ["-I", "/ext/server", "--issuer", "https://auth.example.com"],
    },
  });
});

test("another Python is taken for the bundled copy where there is no better one, which then says what is wrong", () => {
  const search = findServer(NO_SETTINGS, machine(["/usr/bin/python3"], { bundled: BUNDLED }));
  assert.deepEqual(search, { found: true, command: { program: "/usr/bin/python3", args: ["-I", "/ext/server"] } });
});

test("a server on the PATH comes before the bundled copy, and a setting before both", () => {
  const programs = ["/usr/bin/python3.11", "/usr/bin/codex-auth-lsp"];
  const bundled = machine(programs, { bundled: BUNDLED });
  assert.deepEqual(findServer(NO_SETTINGS, bundled), { found: true, command: { program: "/usr/bin/codex-auth-lsp", args: [] } });
  assert.deepEqual(findServer({ ...NO_SETTINGS, command: ["/opt/server"] }, bundled), {
    found: true,
    command: { program: "/opt/server", args: [] },
  });
});

test("a server and a Python inside an open folder are passed over for the bundled copy", () => {
  const path = ["/work/project/bin", "/usr/bin"].join(delimiter);
  const programs = ["/work/project/bin/codex-auth-lsp", "/work/project/bin/python3.11", "/usr/bin/python3"];
  const search = findServer(NO_SETTINGS, machine(programs, { path, workspaceFolders: ["/work/project"], bundled: BUNDLED }));
  assert.deepEqual(search, { found: true, command: { program: "/usr/bin/python3", args: ["-I", "/ext/server"] } });
});

test("without any Python the message names the version and the program", () => {
  const search = findServer(NO_SETTINGS, machine([], { bundled: BUNDLED }));
  assert.ok(!search.found);
  assert.match(search.message, /needs Python 3\.11 on the PATH .*or the program codex-auth-lsp there\.$/);
});

test("a server that did not start is told with why, in one sentence", () => {
  assert.equal(
    startFailure("/opt/server", "it ended with status 3: no such module."),
    "The Codex sign-in server /opt/server did not start: it ended with status 3: no such module.",
  );
});

test("a Python without the server is told what to do about it", () => {
  const told = startFailure("/usr/bin/python3", "it ended with status 1: /usr/bin/python3: No module named codex_auth_lsp");
  assert.match(told, /^The Python \/usr\/bin\/python3 does not have the Codex sign-in server\. Install codex-auth-lsp there/);
});

test("a program that cannot be started is told in words", () => {
  assert.match(startFailure("/nowhere/x", "spawn /nowhere/x ENOENT"), /did not start: it is not there, or the interpreter/);
  assert.match(startFailure("/etc/passwd", "spawn /etc/passwd EACCES"), /did not start: it is not a program that you may run\.$/);
});

test("another program in the setting that is not on the PATH is no reason to install the server", () => {
  assert.deepEqual(findServer({ ...NO_SETTINGS, command: ["my-server"] }, machine([])), {
    found: false,
    reason: "settingInvalid",
    message: "The program my-server in the setting codexAuth.server.command is not on the PATH.",
  });
  const search = findServer({ ...NO_SETTINGS, command: ["codex-auth-lsp"] }, machine([]));
  assert.equal(search.found ? undefined : search.reason, "notInstalled");
});

test("a server of a virtual environment is run by its own Python with -I", () => {
  const script = "/home/someone/.local/share/pipx/venvs/codex-auth-lsp/bin/codex-auth-lsp";
  const python = "/home/someone/.local/share/pipx/venvs/codex-auth-lsp/bin/python";
  const installed = machine(["/home/someone/.local/bin/codex-auth-lsp", python], {
    realPath: (path) => (path === "/home/someone/.local/bin/codex-auth-lsp" ? script : path),
    beginningOf: (path) => (path === script ? `#!${python}\nimport sys\nfrom codex_auth_lsp.cli import main\nsys.exit(main())\n` : ""),
  });
  assert.deepEqual(findServer({ ...NO_SETTINGS, issuer: "https://auth.example.com" }, installed), {
    found: true,
    command: { program: python, args: ["-I", "-m", "codex_auth_lsp", "--issuer", "https://auth.example.com"] },
  });
});
