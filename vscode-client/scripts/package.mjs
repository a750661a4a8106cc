// Makes codex-auth.vsix, the same bytes from the same sources wherever and whenever it is made.
// With --bundled it makes codex-auth-PLATFORM.vsix, which brings its server along: for this kind of
// machine, and for the version of Python that the checkout's .venv has.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listFiles, PackageManager } from "@vscode/vsce";

const root = fileURLToPath(new URL("..", import.meta.url));
const bundled = process.argv.includes("--bundled");
const ignoreFile = bundled ? ".vscodeignore-bundled" : ".vscodeignore";
const target = `${process.platform}-${process.arch}`;

// An archive holds times, in the zone of the machine, and modes. Without a time from outside it is
// 2020-02-02, which hatchling gives the files of a wheel.
process.env.SOURCE_DATE_EPOCH ??= "1580601600";
process.env.TZ = "UTC";

if (bundled) {
  const python = join(root, "../.venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  if (!existsSync(python)) {
    console.error("There is no Python in the checkout's .venv: run `make demo` at its top first.");
    process.exit(1);
  }
  run(python, join(root, "scripts/bundle_server.py"));
}
run(process.execPath, join(root, "scripts/build.mjs"), "--minify");
for (const file of await listFiles({ cwd: root, ignoreFile, packageManager: PackageManager.None })) {
  chmodSync(join(root, file), 0o644);
}
run(
  process.execPath, join(root, "node_modules/@vscode/vsce/vsce"), "package", "--no-dependencies", "--allow-missing-repository",
  "--readme-path", "dist/README.md", "--ignoreFile", ignoreFile, "--out", bundled ? `codex-auth-${target}.vsix` : "codex-auth.vsix",
  ...(bundled ? ["--target", target] : []),
);

function run(program, ...words) {
  const { error, status } = spawnSync(program, words, { cwd: root, stdio: "inherit" });
  if (error !== undefined || status !== 0) {
    console.error(error?.message ?? `${words[0]} has failed`);
    process.exit(1);
  }
}
