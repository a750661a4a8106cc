import assert from "node:assert/strict";
import { test } from "node:test";
import { canComeBack, environmentOf } from "../../src/environment";

for (const [remoteName, isWeb, expected] of [
  [undefined, false, { environment: "local", browserOnServerHost: true }],
  ["ssh-remote", false, { environment: "ssh", browserOnServerHost: false, portForwarding: true }],
  ["wsl", false, { environment: "wsl" }],
  ["dev-container", false, { environment: "container", browserOnServerHost: false, portForwarding: true }],
  ["attached-container", false, { environment: "container", browserOnServerHost: false, portForwarding: true }],
  ["codespaces", false, { environment: "codespaces", browserOnServerHost: false, portForwarding: true }],
  ["codespaces", true, { environment: "codespaces", browserOnServerHost: false }],
  [undefined, true, { environment: "web" }],
  ["localhost:8080", true, { environment: "web" }],
  ["tunnel", false, { environment: "ssh", browserOnServerHost: false, portForwarding: true }],
] as const) {
  test(`environment: ${remoteName ?? "no remote"}${isWeb ? " in a browser" : ""}`, () => {
    assert.deepEqual(environmentOf(remoteName, isWeb), expected);
  });
}

for (const [external, expected] of [
  ["http://127.0.0.1:1455/", true],
  ["http://localhost:1455/", true],
  ["http://localhost:1456/", false],
  ["http://localhost/", false],
  ["https://name-1455.example.dev/", false],
  ["http://192.0.2.1:1455/", false],
  ["http://127.0.0.1:8080/proxy/1455/", false],
  ["no address", false],
] as const) {
  test(`port 1455 forwarded as ${external}: ${expected ? "the same" : "another"}`, async () => {
    const asked: string[] = [];
    const forward = (url: string): Promise<string> => {
      asked.push(url);
      return Promise.resolve(external);
    };
    assert.equal(await canComeBack(1455, forward), expected);
    assert.deepEqual(asked, ["http://127.0.0.1:1455/"]);
  });
}

test("a port that is refused cannot be come back to, and where there is none it is not asked for", async () => {
  const refuse = (): Promise<string> => Promise.reject(new Error("no"));
  assert.equal(await canComeBack(1455, refuse), false);
  assert.equal(await canComeBack(undefined, refuse), true);
});
