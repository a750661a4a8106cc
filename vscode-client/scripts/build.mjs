// Bundles the extension into dist/, or with --tests the unit tests into out/.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const common = {
  absWorkingDir: root,
  bundle: true,
  format: "cjs",
  logLevel: "warning",
  platform: "node",
  target: "node20",
  external: ["vscode"],
};

if (process.argv.includes("--tests")) {
  rmSync(join(root, "out"), { recursive: true, force: true });
  const tests = readdirSync(join(root, "test/unit")).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: tests.map((name) => join("test/unit", name)),
    outdir: "out",
    sourcemap: "inline",
  });
} else {
  const { metafile } = await build({
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    minify: process.argv.includes("--minify"),
    metafile: true,
  });
  writeFileSync(join(root, "dist/ThirdPartyNotices.txt"), notices(Object.keys(metafile.inputs)));
  writeFileSync(join(root, "dist/README.md"), withoutPictures(readFileSync(join(root, "README.md"), "utf8")));
}

/** VS Code shows no pictures out of an extension's own folder, so the packaged text goes without. */
function withoutPictures(readme) {
  return readme.replace(/^## How it looks\n.*?(?=^## )/ms, "");
}

/** The licences of the packages whose code is in the bundle, as they ask for. */
function notices(inputs) {
  const folders = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []));
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? license : readFileSync(join(root, folder, file), "utf8").trim();
    return `${name} ${version}\n\n${text}\n`;
  }).join("\n----\n\n");
}
