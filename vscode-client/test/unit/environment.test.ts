import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentOf } from "../../src/environment";

for (const [remoteName, isWeb, expected] of [
  [undefined, false, { environment: "local", browserOnServerHost: true }],
  ["ssh-remote", false, { environment: "ssh", browserOnServerHost: false }],
  ["wsl", false, { environment: "wsl" }],
  ["dev-container", false, { environment: "container", browserOnServerHost: false }],
  ["attached-container", false, { environment: "container", browserOnServerHost: false }],
  ["codespaces", false, { environment: "codespaces", browserOnServerHost: false }],
  ["codespaces", true, { environment: "codespaces", browserOnServerHost: false }],
  [undefined, true, { environment: "web" }],
  ["localhost:8080", true, { environment: "web" }],
  ["tunnel", false, { environment: "ssh", browserOnServerHost: false }],
] as const) {
  test(`environment: ${remoteName ?? "no remote"}${isWeb ? " in a browser" : ""}`, () => {
    assert.deepEqual(environmentOf(remoteName, isWeb), expected);
  });
}
