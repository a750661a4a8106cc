// The server's process: started without a shell in a neutral folder, and surely ended.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { workspace, type LogOutputChannel } from "vscode";
import { serverEnvironment, type BundledServer, type Machine, type ServerCommand, type ServerSettings } from "./serverCommand";

export type ServerProcess = ChildProcessWithoutNullStreams;

/** Milliseconds that a server may take to end by itself: the 30 s in which it stores a renewed login, and some. */
const EXIT_DEADLINE = 35_000;

/** Starts the program; rejects when it cannot be started at all. `said` gets each line of its stderr. */
export async function launch(command: ServerCommand, log: LogOutputChannel, said: (line: string) => void): Promise<ServerProcess> {
  log.info(`Starting ${[command.program, ...command.args].join(" ")}`);
  const server = spawn(command.program, command.args, {
    cwd: neutralFolder(),
    env: serverEnvironment(process.env),
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
    workspaceFolders: (workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === "file")
      .map((folder) => folder.uri.fsPath),
    isExecutableFile,
    realPath,
  };
}

/** Only the person's own values count, though the scope of these settings already says so. */
export function serverSettings(): ServerSettings {
  const settings = workspace.getConfiguration("codexAuth.server");
  return {
    command: settings.inspect("command")?.globalValue,
    codexHome: settings.inspect("codexHome")?.globalValue,
    issuer: settings.inspect("issuer")?.globalValue,
  };
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

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
