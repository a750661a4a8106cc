// The server's process: started without a shell in a neutral folder, and surely ended.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { accessSync, closeSync, constants, openSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { workspace, type LogOutputChannel } from "vscode";
import { withRepositories, type OpenFolders } from "./openFolders";
import type { BundledServer, Machine, ServerCommand } from "./serverCommand";
import { serverEnvironment } from "./serverEnvironment";

export type ServerProcess = ChildProcessWithoutNullStreams;

/** Milliseconds that a server may take to end by itself: the 30 s in which it stores a renewed login, and some. */
const EXIT_DEADLINE = 35_000;

/** Bytes of a program that are looked at to see whether it is a script. */
const BEGINNING = 4096;

/** Starts the program; rejects when it cannot be started at all. `said` gets each line of its stderr. */
export async function launch(command: ServerCommand, log: LogOutputChannel, said: (line: string) => void): Promise<ServerProcess> {
  log.info(`Starting ${[command.program, ...command.args].join(" ")}`);
  const server = spawn(command.program, command.args, {
    cwd: neutralFolder(),
    env: serverEnvironment(process.env, openFolders()),
    shell: false,
    stdio: "pipe",
    windowsHide: true,
  });
  await once(server, "spawn"); // an `error` before it rejects this wait
  server.on("error", (error) => { log.error(`The server: ${error.message}`); });
  server.stdin.on("error", () => undefined); // a server that is gone is noticed by its exit
  server.on("exit", (code, signal) => { log.info(`The server has ended (${signal ?? code ?? "unknown"}).`); });
  createInterface({ input: server.stderr, crlfDelay: Infinity }).on("line", (line) => {
    log.info(line);
    said(line);
  });
  return server;
}

/** Resolves once the process is gone and all that it wrote was read. */
export function closed(server: ServerProcess): Promise<void> {
  return new Promise((resolve) => { server.once("close", () => { resolve(); }); });
}

/** Waits for the process to end, and ends it when it does not. */
export async function ended(server: ServerProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  const timer = setTimeout(() => server.kill("SIGKILL"), EXIT_DEADLINE);
  server.stdin.end();
  await exit;
  clearTimeout(timer);
}

export function thisMachine(): Machine {
  return {
    bundled: bundledServer(join(__dirname, "../server")),
    path: process.env["PATH"],
    platform: process.platform,
    ...openFolders(),
    isExecutableFile,
    beginningOf,
  };
}

function openFolders(): OpenFolders {
  const folders = (workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === "file");
  return { workspaceFolders: withRepositories(folders.map(({ uri }) => uri.fsPath), homedir(), realPath), realPath };
}

function bundledServer(folder: string): BundledServer | undefined {
  try {
    const { python } = JSON.parse(readFileSync(join(folder, "bundle.json"), "utf8")) as { python: string };
    return { folder, python };
  } catch {
    return undefined; // most packages of this extension have none
  }
}

function neutralFolder(): string {
  try {
    return statSync(homedir()).isDirectory() ? homedir() : tmpdir();
  } catch {
    return tmpdir();
  }
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function beginningOf(path: string): string {
  const buffer = Buffer.alloc(BEGINNING);
  try {
    const file = openSync(path, "r");
    try {
      return buffer.toString("latin1", 0, readSync(file, buffer));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

/** The system's own way also finds the spelling that a name has on a disk that ignores case. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
