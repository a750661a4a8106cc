// Statuses as the server sends them, to be varied by the tests.

import type { AuthStatus } from "../../src/protocol";

export const SIGNED_OUT: AuthStatus = {
  revision: 1,
  serverInstanceId: "one",
  state: "signedOut",
  billing: "none",
  cloud: { available: false, reason: "signedOut", mfa: { requirement: "unknown", reason: "Nobody is signed in.", links: [] } },
  store: { mode: "file", backend: "file", path: "/home/someone/.codex/auth.json", encrypted: false, health: "ok" },
  shadowed: [],
  freshness: "unknown",
  provider: { id: "openai", authKind: "openai", requiresOpenaiAuth: true, ready: false, problems: [] },
};

export const SIGNED_IN: AuthStatus = {
  ...SIGNED_OUT,
  revision: 2,
  state: "signedIn",
  method: "chatgpt",
  account: { id: "account-1", email: "someone@example.com", planType: "plus", label: "someone@example.com" },
  billing: "subscription",
  expiresAt: "2030-01-02T03:04:05Z",
  freshness: "fresh",
  provider: { ...SIGNED_OUT.provider, ready: true },
};
