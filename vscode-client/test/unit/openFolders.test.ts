import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { isInOpenFolder, withRepositories } from "../../src/openFolders";
import { findServer } from "../../src/serverCommand";
import { serverEnvironment } from "../../src/serverEnvironment";

// A folder that is open, another way to it, and a program outside to which links of the folder lead.
const home = realpathSync.native(mkdtempSync(join(tmpdir(), "open-")));
after(() => { rmSync(home, { recursive: true }); });
const folder = join(home, "folder");
mkdirSync(join(folder, "bin"), { recursive: true });
mkdirSync(join(home, "tools"));
const program = join(home, "tools/codex-auth-lsp");
writeFileSync(program, "");
chmodSync(program, 0o755);
symlinkSync(program, join(folder, "bin/codex-auth-lsp"));
symlinkSync(home, join(home, "alias"));
symlinkSync(join(home, "tools"), join(folder, "linked"));
symlinkSync(join(folder, "bin"), join(home, "mine"));

const open = { workspaceFolders: [folder], realPath: (path: string): string => realpathSync.native(path) };

for (const [path, expected] of [
  ["folder/bin/codex-auth-lsp", true],
  ["alias/folder/bin/codex-auth-lsp", true],
  ["alias/folder/linked/codex-auth-lsp", true],
  ["mine/codex-auth-lsp", true],
  ["mine", true],
  ["folder", true],
  ["alias", false],
  ["tools/codex-auth-lsp", false],
  ["alias/tools/codex-auth-lsp", false],
] as const) {
  test(`${path} is ${expected ? "in the open folder" : "outside"}`, () => {
    assert.equal(isInOpenFolder(join(home, path), open), expected);
  });
}

// A repository with a package and a submodule in it, and a link to the package.
const repository = join(home, "repository");
for (const name of [".git", "package/src", "submodule"]) mkdirSync(join(repository, name), { recursive: true });
writeFileSync(join(repository, "submodule/.git"), "gitdir: ../.git/modules/submodule\n");
symlinkSync(join(repository, "package"), join(home, "package"));

for (const [name, repositories] of [
  ["repository/package/src", ["repository"]],
  ["repository", ["repository"]],
  ["package", ["repository"]],
  ["repository/submodule", ["repository/submodule", "repository"]],
  ["tools", []],
  ["gone", []],
] as const) {
  test(`with ${name} open ${repositories.join(" and ") || "no repository"} counts, too`, () => {
    const expected = [name, ...repositories].map((entry) => join(home, entry));
    const realPath = (path: string): string => path.endsWith("/gone") ? path : open.realPath(path);
    assert.deepEqual(withRepositories([join(home, name)], join(home, "tools"), realPath), expected);
  });
}

test("a repository that holds the home folder is not the open folder's", () => {
  const person = join(repository, "package");
  assert.deepEqual(withRepositories([join(person, "src")], person, open.realPath), [join(person, "src")]);
  assert.deepEqual(withRepositories([join(person, "src")], join(home, "package"), open.realPath), [join(person, "src")]);
});

test("a link out of the open folder is not started under any name of the folder", () => {
  const path = ["folder/bin", "alias/folder/bin", "alias/folder/linked", "mine"].map((name) => join(home, name)).join(delimiter);
  const none = { command: undefined, codexHome: undefined, issuer: undefined };
  const machine = { ...open, path, bundled: undefined, platform: "linux" as const, isExecutableFile: () => true, beginningOf: () => "" };
  const search = findServer(none, machine);
  assert.equal(search.found ? search.command.program : search.reason, "insideWorkspace");
  const outside = join(home, "tools");
  const second = findServer(none, { ...machine, path: [path, outside].join(delimiter) });
  assert.equal(second.found ? second.command.program : second.reason, program);
});

test("variables that change which code runs are left out of the server's environment", () => {
  const injecting = [
    "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "GCONV_PATH",
    "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "NODE_OPTIONS", "ELECTRON_RUN_AS_NODE", "BASH_ENV", "BASH_FUNC_grep%%",
    "SHELLOPTS", "PS4",
  ];
  const own = { HOME: home, HTTPS_PROXY: "http://proxy", SSL_CERT_FILE: "/etc/ca.pem", OPENSSL_KEY: "x", PS4_KEY: "x" };
  assert.deepEqual(serverEnvironment({ ...own, ...Object.fromEntries(injecting.map((name) => [name, "x"])) }, open), own);
});

test("the server's PATH has no folder in which the open one can put a program", () => {
  const entries = ["", ".", "bin", join(folder, "bin"), join(home, "mine"), join(home, "alias/folder/bin"), join(home, "tools"), "/usr/bin"];
  const path = [join(home, "tools"), "/usr/bin"].join(delimiter);
  assert.deepEqual(serverEnvironment({ PATH: entries.join(delimiter) }, open), { PATH: path });
  assert.deepEqual(serverEnvironment({ Path: entries.join(delimiter) }, open), { Path: path });
  assert.deepEqual(serverEnvironment({ PATH: ["", "."].join(delimiter) }, open), {});
});
