// The environment that the server gets: this one without what changes which code runs. Pure.

import { delimiter, isAbsolute } from "node:path";
import { isInOpenFolder, type OpenFolders } from "./openFolders";

/**
 * Variables by which Python, the loader, the C library, OpenSSL, Node and shells take code from
 * elsewhere: the server is started without them, as with Python's `-I`. All others stay, since a
 * provider's key may be in any variable.
 */
const INJECTING =
  /^(?:PYTHON|__PYVENV_LAUNCHER__$|LD_|DYLD_|GCONV_PATH$|OPENSSL_(?:CONF|MODULES|ENGINES)$|ELECTRON_|NODE_OPTIONS$|BASH_ENV$|BASH_FUNC_|SHELLOPTS$|PS4$)/i;

export function serverEnvironment(environment: NodeJS.ProcessEnv, folders: OpenFolders): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment)
      .filter(([name]) => !INJECTING.test(name))
      .map(([name, value]) => [name, /^PATH$/i.test(name) ? safePath(value ?? "", folders) : value])
      .filter(([, value]) => value !== undefined),
  ) as NodeJS.ProcessEnv;
}

/** The folders of a `PATH` in which no open folder can put a program; an empty one would mean the working folder. */
function safePath(path: string, folders: OpenFolders): string | undefined {
  const safe = path.split(delimiter).filter((folder) => isAbsolute(folder) && !isInOpenFolder(folder, folders));
  return safe.length === 0 ? undefined : safe.join(delimiter);
}
