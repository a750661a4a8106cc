// Which of two statuses is the later one.

import type { AuthStatus } from "./protocol";

/**
 * Returns the status to show. An older revision of the same server process is dropped; another
 * process counts anew, so its status always wins.
 */
export function laterStatus(current: AuthStatus | undefined, incoming: AuthStatus): AuthStatus {
  if (current === undefined || isFromAnotherProcess(current, incoming)) return incoming;
  return incoming.revision < current.revision ? current : incoming;
}

export function isFromAnotherProcess(current: AuthStatus, incoming: AuthStatus): boolean {
  return current.serverInstanceId !== incoming.serverInstanceId;
}
