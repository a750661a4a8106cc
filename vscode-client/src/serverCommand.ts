// Which program is started as the server, how, and with which environment.
// Everything comes from the person's own settings and PATH; nothing from a workspace.

import { delimiter, isAbsolute, join } from "node:path";
import { interpreterBeside } from "./consoleScript";
import { isInOpenFolder, type OpenFolders } from "./openFolders";

const SERVER_PROGRAM = "codex-auth-lsp";
/** In the folder of the sources, since no package index has it before the first release. */
export const INSTALL_COMMAND = "pipx install .";
export const UPDATE_COMMAND = "pipx upgrade codex-auth-lsp";

/** The settings as the person's machine has them, of unknown types. */
export interface ServerSettings {
  command: unknown;
  codexHome: unknown;
  issuer: unknown;
}

/** The copy of the server that some packages of this extension bring along. */
export interface BundledServer {
  folder: string;
  /** The version of Python that it is for, such as `3.11`. */
  python: string;
}

/** What the search asks of the machine. */
export interface Machine extends OpenFolders {
  bundled: BundledServer | undefined;
  path: string | undefined;
  platform: NodeJS.Platform;
  isExecutableFile(path: string): boolean;
  /** The first few thousand characters of a file; none where it cannot be read. */
  beginningOf(path: string): string;
}

export interface ServerCommand {
  program: string;
  args: string[];
}

export type ServerSearch =
  | { found: true; command: ServerCommand }
  | { found: false; reason: "notInstalled" | "insideWorkspace" | "settingInvalid"; message: string };

export function findServer(settings: ServerSettings, machine: Machine): ServerSearch {
  const options = serverOptions(settings);
  if (typeof options === "string") return invalid(options);
  const { command } = settings;
  if (command === undefined || command === null || (Array.isArray(command) && command.length === 0)) {
    const installed = searchPath(SERVER_PROGRAM, options, machine);
    if (installed.found) return { found: true, command: isolated(installed.command, machine) };
    if (machine.bundled === undefined) return installed;
    return searchBundled(machine.bundled, options, machine);
  }
  if (!isCommand(command)) {
    return invalid("The setting codexAuth.server.command must be a list of texts, the program first.");
  }
  const [name, ...args] = command;
  if (isAbsolute(name)) return found(name, [...args, ...options]);
  if (/[\\/]/.test(name)) {
    return invalid(
      "The program in the setting codexAuth.server.command must have an absolute path, or no folder at all.",
    );
  }
  const search = searchPath(name, [...args, ...options], machine);
  if (search.found || search.reason !== "notInstalled" || name === SERVER_PROGRAM) return search;
  return invalid(`The program ${name} in the setting codexAuth.server.command is not on the PATH.`);
}

/** Why a server did not start, in a sentence; `why` has how it ended, with its last line. */
export function startFailure(program: string, why: string): string {
  if (/No module named '?codex_auth_lsp/.test(why)) {
    return `The Python ${program} does not have the Codex sign-in server. Install codex-auth-lsp there, or name another program in the setting codexAuth.server.command.`;
  }
  return `The Codex sign-in server ${program} did not start: ${inWords(why).replace(/[.\s]+$/, "")}.`;
}

/** What Node says of a program that cannot be started has the name of an error alone. */
function inWords(why: string): string {
  if (/^spawn .* ENOENT$/.test(why)) return "it is not there, or the interpreter that its first line names is not";
  if (/^spawn .* EACCES$/.test(why)) return "it is not a program that you may run";
  return why;
}

function serverOptions(settings: ServerSettings): string[] | string {
  const options: string[] = [];
  for (const [name, value, flag] of [
    ["codexHome", settings.codexHome, "--codex-home"],
    ["issuer", settings.issuer, "--issuer"],
  ] as const) {
    if (value === undefined || value === null || value === "") continue;
    if (typeof value !== "string") return `The setting codexAuth.server.${name} must be a text.`;
    if (name === "codexHome" && !isAbsolute(value)) {
      return "The setting codexAuth.server.codexHome must be an absolute path.";
    }
    options.push(flag, value);
  }
  return options;
}

function searchPath(name: string, args: string[], machine: Machine): ServerSearch {
  // On Windows only programs proper are taken: a script would need a shell to run it.
  const file = machine.platform === "win32" && !name.toLowerCase().endsWith(".exe") ? `${name}.exe` : name;
  const programs = (machine.path ?? "")
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, file))
    .filter((path) => machine.isExecutableFile(path));
  const outside = programs.find((path) => !isInOpenFolder(path, machine));
  if (outside !== undefined) return found(outside, args);
  return programs[0] === undefined ? notInstalled(name) : insideWorkspace(programs[0]);
}

/** The bundled copy is run as `python -I FOLDER`; it says itself when the Python is another one. */
function searchBundled({ folder, python }: BundledServer, options: string[], machine: Machine): ServerSearch {
  for (const name of [`python${python}`, "python3", "python"]) {
    const search = searchPath(name, ["-I", folder, ...options], machine);
    if (search.found) return search;
  }
  return {
    found: false,
    reason: "notInstalled",
    message: `Codex sign-in needs Python ${python} on the PATH for its own server, or the program ${SERVER_PROGRAM} there.`,
  };
}

/** The same server by its own Python with `-I`, where its script tells which that is. */
function isolated(command: ServerCommand, machine: Machine): ServerCommand {
  const script = machine.realPath(command.program);
  const interpreter = interpreterBeside(script, machine.beginningOf(script));
  if (interpreter === undefined || !machine.isExecutableFile(interpreter)) return command;
  return { program: interpreter, args: ["-I", "-m", "codex_auth_lsp", ...command.args] };
}

function isCommand(value: unknown): value is [string, ...string[]] {
  return Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === "string" && part !== "");
}

function found(program: string, args: string[]): ServerSearch {
  return { found: true, command: { program, args } };
}

function invalid(message: string): ServerSearch {
  return { found: false, reason: "settingInvalid", message };
}

function notInstalled(name: string): ServerSearch {
  return {
    found: false,
    reason: "notInstalled",
    message: `Codex sign-in needs the program ${name}, which is not on the PATH. Install it in the folder of its sources with: ${INSTALL_COMMAND}`,
  };
}

function insideWorkspace(path: string): ServerSearch {
  return {
    found: false,
    reason: "insideWorkspace",
    message: `${path} lies in an open folder or its repository, so it is not started by itself. If you trust it, name it in the setting codexAuth.server.command.`,
  };
}
