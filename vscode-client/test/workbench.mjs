// The packaged extension in a real VS Code workbench: against a scripted server, which can do what
// is hard to bring about, then with the real language server and the sandbox issuer, in a hostile
// folder with an issuer of other people, with the server that a package brings along, and under the
// checker of clients.
// Each part also runs alone. Needs `npm run package`, `package:bundled` and `workbench` before.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Two at a time, since a part mostly waits; the real server's redirects are wanted by one at a time. */
const LANES = [["Scripted", "Checked", "Bundled"], ["Real", "Hostile", "Crashes"]];

const running = new Set();
let stopped = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    stopped = true;
    for (const player of running) player.kill(signal);
  });
}

/** Runs one part, whose lines get its name. */
async function play(part) {
  const player = spawn(process.execPath, [fileURLToPath(new URL(`workbench${part}.mjs`, import.meta.url))], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(player);
  for (const output of [player.stdout, player.stderr]) {
    createInterface({ input: output, crlfDelay: Infinity }).on("line", (line) => { console.log(`${part.padEnd(8)}  ${line}`); });
  }
  const [status] = await once(player, "close");
  running.delete(player);
  if (status !== 0) process.exitCode = 1;
}

await Promise.all(LANES.map(async (parts) => {
  for (const part of parts) if (!stopped) await play(part);
}));
