import assert from "node:assert/strict";
import { test } from "node:test";
import { describeStatus, presentStatus, type Connection, type Presentation } from "../../src/presentStatus";
import type { AuthStatus } from "../../src/protocol";
import { SIGNED_IN, SIGNED_OUT } from "./statuses";

type Shown = Pick<Presentation, "text" | "command" | "severity">;
type Row = [situation: string, status: AuthStatus | undefined, connection: Connection, shown: Shown];

const provider = { ...SIGNED_OUT.provider, id: "azure", authKind: "environmentKey", requiresOpenaiAuth: false };
const notRequired: AuthStatus = { ...SIGNED_OUT, state: "notRequired", billing: "provider", provider: { ...provider, ready: true } };

const TABLE: Row[] = [
  ["nothing is known yet", undefined, "starting", shown("Codex: …")],
  ["the server runs and has said nothing", undefined, "running", shown("Codex: …")],
  ["a status is left from before a restart", SIGNED_OUT, "starting", shown("Codex: …")],
  ["signed out", SIGNED_OUT, "running", shown("Codex: Sign In", "codexAuth.signIn")],
  ["signed in", SIGNED_IN, "running", shown("$(account) someone@example.com")],
  ["signed in and offline", { ...SIGNED_IN, freshness: "stale" }, "running", shown("$(account) someone@example.com")],
  ["waiting for the browser", { ...SIGNED_OUT, pendingLogin: pending() }, "running", shown("$(sync~spin) Codex: Signing in…")],
  ["signed in and signing in anew", { ...SIGNED_IN, pendingLogin: pending() }, "running", shown("$(sync~spin) Codex: Signing in…")],
  ["the login has ended", { ...SIGNED_IN, state: "needsReauth" }, "running", shown("$(warning) Codex: Sign In Again", "codexAuth.signIn", "warning")],
  ["a key from the environment", { ...notRequired, method: "environmentKey" }, "running", shown("$(key) Codex: Environment Key")],
  ["a key that is not set", { ...notRequired, method: "environmentKey", provider }, "running", shown("$(warning) Codex: Key Not Set", "codexAuth.account", "warning")],
  ["a provider without sign-in", notRequired, "running", shown("$(plug) Codex: No Sign-In Needed")],
  ["a locked keyring", unreadable("locked"), "running", shown("$(warning) Codex: Keyring Locked", "codexAuth.account", "warning")],
  ["a damaged file", unreadable("corrupt"), "running", shown("$(warning) Codex: Login Unreadable", "codexAuth.account", "warning")],
  ["a provider that is nowhere", failing(SIGNED_IN, "providerUnknown"), "running", shown("$(warning) Codex: Provider Unknown", "codexAuth.account", "warning")],
  ["a provider that is nowhere, and nobody", failing(SIGNED_OUT, "providerUnknown"), "running", shown("Codex: Sign In", "codexAuth.signIn")],
  ["a configuration that was never good", failing(nowhere(), "configurationInvalid"), "running", shown("$(warning) Codex: config.toml Unusable", "codexAuth.account", "warning")],
  ["a state of a later server, with an account", { ...SIGNED_IN, state: "guest" }, "running", shown("$(account) someone@example.com")],
  ["a state of a later server", { ...SIGNED_OUT, state: "asleep" }, "running", shown("Codex: …")],
  ["the server has ended", SIGNED_IN, "stopped", shown("$(warning) Codex: Stopped", "codexAuth.account", "error")],
  ["there is no server", undefined, "missing", shown("$(warning) Codex: Server Not Found", "codexAuth.account", "warning")],
];

for (const [situation, status, connection, expected] of TABLE) {
  test(`status bar: ${situation}`, () => {
    const { text, command, severity, tooltip, accessibilityLabel } = presentStatus(status, connection);
    assert.deepEqual({ text, command, severity }, expected);
    assert.notEqual(tooltip, "");
    assert.match(accessibilityLabel, /^Codex: /);
    assert.doesNotMatch(accessibilityLabel, /\$\(/);
    const words = text.replace(/\$\([^)]*\) /, "");
    assert.ok(accessibilityLabel.includes(words), `${accessibilityLabel} has not the words ${words}`);
  });
}

test("a login file in the home folder is told as people write it", () => {
  const { path } = SIGNED_IN.store;
  const kept = (home: string): string | undefined => describeStatus(SIGNED_IN, undefined, home).find((line) => line.startsWith("Login kept in"));
  assert.equal(kept("/home/someone"), "Login kept in: a file (~/.codex/auth.json)");
  assert.equal(kept("/home/some"), `Login kept in: a file (${path ?? ""})`);
});

test("the tooltip has account, plan, billing, store, expiry, provider and the last error", () => {
  const status: AuthStatus = {
    ...SIGNED_IN,
    lastError: { kind: "networkUnreachable", retryable: true, remediation: [], message: "The network cannot be reached" },
  };
  const tooltip = presentStatus(status, "running", undefined, (time) => `<${time}>`).tooltip.replace(/\\/g, "");
  for (const part of [
    "**Signed in: someone@example.com**",
    "Plan: ChatGPT Plus",
    "Billing: included in the ChatGPT plan",
    "Login kept in: a file (/home/someone/.codex/auth.json)",
    "Valid until: <2030-01-02T03:04:05Z>",
    "Provider: openai",
    "Last error: The network cannot be reached",
  ]) {
    assert.ok(tooltip.includes(part), `${part} is missing in ${tooltip}`);
  }
});

test("trouble with the store that is the last error is told once", () => {
  const message = "auth.json is not a stored login";
  const status: AuthStatus = {
    ...unreadable("corrupt"), lastError: { kind: "storeCorrupt", retryable: false, remediation: [], message },
  };
  status.store.detail = message;
  const lines = describeStatus(status, undefined, "/home/someone");
  assert.ok(lines.includes("Login kept in: a file (~/.codex/auth.json): its content is damaged"), lines.join("\n"));
  assert.equal(lines.filter((line) => line.includes(message)).length, 1);
});

test("why there is no server is in the tooltip, as text", () => {
  for (const connection of ["stopped", "missing"] as const) {
    assert.equal(presentStatus(undefined, connection, "It said [x](command:a)").tooltip, "It said \\[x\\]\\(command\\:a\\)");
  }
});

test("MFA that is required before Codex cloud is shown", () => {
  const mfa = { requirement: "required", reason: "Set up MFA first.", links: [] };
  const { tooltip } = presentStatus({ ...SIGNED_IN, cloud: { available: true, mfa } }, "running");
  assert.match(tooltip, /Before using Codex cloud\\: Set up MFA first\\\./);
});

test("an API key is told not to be enough for Codex cloud", () => {
  const cloud = { ...SIGNED_IN.cloud, available: false, reason: "chatgptRequired" };
  const lines = describeStatus({ ...SIGNED_IN, method: "apiKey", billing: "usage", cloud });
  assert.ok(lines.includes("Codex cloud: needs a sign-in with ChatGPT"), lines.join("\n"));
  assert.ok(!describeStatus(SIGNED_IN).some((line) => line.startsWith("Codex cloud")));
});

test("a login that has ended is not said to be valid", () => {
  const lines = describeStatus({ ...SIGNED_IN, state: "needsReauth" });
  assert.deepEqual(lines.filter((line) => line.startsWith("Valid until")), []);
});

test("a label is shown as text: no icons, no links, no markup", () => {
  const label = "$(bug) [x](command:a) **b** https://example.com";
  const { text, tooltip } = presentStatus({ ...SIGNED_IN, account: { label } }, "running");
  assert.equal(text, "$(account) \\$(bug) [x](command:a) **b** https://example.com");
  assert.ok(tooltip.includes("\\$\\(bug\\) \\[x\\]\\(command\\:a\\) \\*\\*b\\*\\* https\\://example\\.com"), tooltip);
});

test("a long label is cut in the status bar and whole in the tooltip", () => {
  const label = "a".repeat(80);
  const { text, tooltip } = presentStatus({ ...SIGNED_IN, account: { label } }, "running");
  assert.equal(text, `$(account) ${"a".repeat(47)}…`);
  assert.ok(tooltip.includes(label));
});

function shown(text: string, command: Shown["command"] = "codexAuth.account", severity: Shown["severity"] = "normal"): Shown {
  return { text, command, severity };
}

function pending(): NonNullable<AuthStatus["pendingLogin"]> {
  return { attemptId: "a", method: "browser", startedAt: "2030-01-02T03:04:05Z", expiresAt: "2030-01-02T03:14:05Z" };
}

function failing(status: AuthStatus, kind: string): AuthStatus {
  return { ...status, lastError: { kind, retryable: false, remediation: [], message: "Mend config.toml." } };
}

function nowhere(): AuthStatus {
  return { ...SIGNED_OUT, state: "unavailable", store: { mode: "file", backend: "none", encrypted: false, health: "unavailable" } };
}

function unreadable(health: string): AuthStatus {
  return { ...SIGNED_OUT, state: "unavailable", store: { ...SIGNED_OUT.store, health } };
}

test("texts and lists without end are cut, and what comes after them is still told", () => {
  const long = "x".repeat(1_000_000);
  const status: AuthStatus = {
    ...SIGNED_IN,
    account: { id: "a-1", label: long },
    provider: { ...SIGNED_IN.provider, problems: Array.from({ length: 5000 }, () => long) },
    lastError: { kind: "networkUnreachable", retryable: true, remediation: [], message: "The network cannot be reached" },
  };
  const { tooltip, accessibilityLabel } = presentStatus(status, "running");
  assert.ok(tooltip.length < 50_000);
  assert.match(tooltip, /The network cannot be reached$/);
  assert.ok(accessibilityLabel.length < 2000);
});
