// Makes codex-auth-PLATFORM.vsix, which brings its server along: for this kind of machine, and for
// the version of Python that the checkout's .venv has.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const python = join(root, "../.venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
const target = `${process.platform}-${process.arch}`;

run(python, join(root, "scripts/bundle_server.py"));
run(process.execPath, join(root, "scripts/build.mjs"), "--minify");
run(
  process.execPath, join(root, "node_modules/@vscode/vsce/vsce"), "package", "--no-dependencies", "--allow-missing-repository",
  "--readme-path", "dist/README.md", "--ignoreFile", ".vscodeignore-bundled",
  "--target", target, "--out", `codex-auth-${target}.vsix`,
);

function run(program, ...words) {
  const { error, status } = spawnSync(program, words, { cwd: root, stdio: "inherit" });
  if (error !== undefined || status !== 0) {
    console.error(error?.message ?? `${words[0]} has failed`);
    process.exit(1);
  }
}
