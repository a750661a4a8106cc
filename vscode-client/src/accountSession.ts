// What VS Code's Accounts menu knows of a status: one account, and how it differs from before. Pure.

import type { AuthStatus } from "./protocol";

export interface SessionAccount {
  id: string;
  label: string;
  /** Grows with each renewal, after which an access token is another one. */
  renewedAt: string | undefined;
}

export type Difference = "none" | "added" | "removed" | "changed" | "replaced";

/** Only a ChatGPT login is an account in this sense: a key has nobody's name and is not to be handed on. */
export function sessionAccount(status: AuthStatus): SessionAccount | undefined {
  const { state, method, account, lastRefreshAt } = status;
  if (state !== "signedIn" || method !== "chatgpt" || account === undefined) return undefined;
  return { id: account.id ?? account.label, label: account.label, renewedAt: lastRefreshAt };
}

export function difference(before: SessionAccount | undefined, after: SessionAccount | undefined): Difference {
  if (before === undefined) return after === undefined ? "none" : "added";
  if (after === undefined) return "removed";
  if (before.id !== after.id) return "replaced";
  return before.label === after.label && before.renewedAt === after.renewedAt ? "none" : "changed";
}

/** The access token of `auth/credential`, which is for nobody but the extension that asked. */
export function bearerToken(headers: Readonly<Record<string, string>>): string | undefined {
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
  return /^Bearer (\S+)$/i.exec(value ?? "")?.[1];
}
