import assert from "node:assert/strict";
import { test } from "node:test";
import { bearerToken, difference, sessionAccount } from "../../src/accountSession";
import { SIGNED_IN, SIGNED_OUT } from "./statuses";

const ACCOUNT = { id: "account-1", label: "someone@example.com", renewedAt: undefined };

test("a ChatGPT login is an account", () => {
  assert.deepEqual(sessionAccount(SIGNED_IN), ACCOUNT);
  assert.deepEqual(sessionAccount({ ...SIGNED_IN, account: { label: "someone" } }), { ...ACCOUNT, id: "someone", label: "someone" });
});

for (const [situation, status] of [
  ["signed out", SIGNED_OUT],
  ["an API key", { ...SIGNED_IN, method: "apiKey" }],
  ["a login that has ended", { ...SIGNED_IN, state: "needsReauth" }],
] as const) {
  test(`no account: ${situation}`, () => {
    assert.equal(sessionAccount(status), undefined);
  });
}

for (const [situation, before, after, expected] of [
  ["nobody stays nobody", undefined, undefined, "none"],
  ["somebody signs in", undefined, ACCOUNT, "added"],
  ["somebody signs out", ACCOUNT, undefined, "removed"],
  ["somebody else signs in", ACCOUNT, { ...ACCOUNT, id: "account-2" }, "replaced"],
  ["the login is renewed", ACCOUNT, { ...ACCOUNT, renewedAt: "2030-01-02T03:04:05Z" }, "changed"],
  ["nothing happens", ACCOUNT, { ...ACCOUNT }, "none"],
] as const) {
  test(`sessions: ${situation}`, () => {
    assert.equal(difference(before, after), expected);
  });
}

test("the access token is that of the header, and of no other kind of header", () => {
  assert.equal(bearerToken({ authorization: "Bearer abc.def" }), "abc.def");
  assert.equal(bearerToken({ Authorization: "Basic abc" }), undefined);
  assert.equal(bearerToken({ "api-key": "abc" }), undefined);
});
