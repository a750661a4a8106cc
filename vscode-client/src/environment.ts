// What this editor can say about where it runs, for `capabilities.experimental.auth`.

import type { ClientAuthCapabilities, EnvironmentKind } from "./protocol";

/** `remoteName` is `env.remoteName`; `isWeb` is whether the window runs in a browser. */
export function environmentOf(
  remoteName: string | undefined,
  isWeb: boolean,
): Pick<ClientAuthCapabilities, "environment" | "browserOnServerHost" | "portForwarding"> {
  const environment = kindOf(remoteName, isWeb);
  if (environment === "local") return { environment, browserOnServerHost: true };
  // WSL shares its loopback with Windows in most set-ups, and a window in a browser may be on any
  // machine: there the server judges by what it sees itself.
  if (environment === "wsl" || environment === "web") return { environment };
  return { environment, browserOnServerHost: false, ...(isWeb ? {} : { portForwarding: true }) };
}

/**
 * Forwards the port to which the sign-in service sends the browser back, and tells whether it is the
 * same number on the person's machine: the service knows no other. `forward` makes an address
 * there of one on this machine's loopback, and may refuse to.
 */
export async function canComeBack(port: number | undefined, forward: (url: string) => Promise<string>): Promise<boolean> {
  if (port === undefined) return true;
  try {
    return isSamePort(await forward(`http://127.0.0.1:${port}/`), port);
  } catch {
    return false;
  }
}

function isSamePort(external: string, port: number): boolean {
  if (!URL.canParse(external)) return false;
  const { protocol, hostname, port: found } = new URL(external);
  return protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname) && found === String(port);
}

function kindOf(remoteName: string | undefined, isWeb: boolean): EnvironmentKind {
  if (remoteName === "codespaces") return "codespaces";
  if (isWeb) return "web";
  if (remoteName === undefined) return "local";
  if (remoteName === "wsl") return "wsl";
  if (remoteName.includes("container")) return "container";
  // Tunnels and remotes that are not known here are other machines as well.
  return "ssh";
}
