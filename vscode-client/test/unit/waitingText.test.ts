import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoginPromptParams } from "../../src/protocol";
import { timeLeft, waitingActions, waitingLine } from "../../src/waitingText";

const LINK: LoginPromptParams = { attemptId: "a", kind: "openUrl", url: "https://auth.example.com/a", message: "Sign in." };
const CODE: LoginPromptParams = { ...LINK, kind: "deviceCode", userCode: "WXYZ-1234" };
const NOW = Date.parse("2030-01-02T03:00:00Z");

for (const [expiresAt, expected] of [
  ["2030-01-02T03:15:00.123456Z", "About 16 minutes left"],
  ["2030-01-02T03:15:00Z", "About 15 minutes left"],
  ["2030-01-02T03:01:01Z", "About 2 minutes left"],
  ["2030-01-02T03:01:00Z", "Less than a minute left"],
  ["2030-01-02T03:00:00Z", "The time is up"],
  ["2030-01-02T02:00:00Z", "The time is up"],
  ["no time", undefined],
  [undefined, undefined],
] as const) {
  test(`time left until ${expiresAt ?? "nothing"}: ${expected ?? "not told"}`, () => {
    assert.equal(timeLeft(expiresAt, NOW), expected);
  });
}

test("a link offers the way back by hand and the device code where the server has them", () => {
  assert.deepEqual(waitingActions(LINK, { deviceCode: true, callback: true }), ["copyLink", "openAgain", "useDeviceCode", "pasteCallback"]);
  assert.deepEqual(waitingActions(LINK, { deviceCode: false, callback: false }), ["copyLink", "openAgain"]);
});

test("a code offers itself, and no way back, since it has none", () => {
  assert.deepEqual(waitingActions(CODE, { deviceCode: true, callback: true }), ["showCode", "copyLink", "openAgain"]);
});

test("a prompt of a later server is treated like a link", () => {
  assert.deepEqual(waitingActions({ ...LINK, kind: "poster" }, { deviceCode: false, callback: false }), ["copyLink", "openAgain"]);
});

test("the line has the message, the time and the actions as command links", () => {
  assert.equal(
    waitingLine("Waiting for you", "About 15 minutes left", ["copyLink", "openAgain"]),
    "Waiting for you. About 15 minutes left. [Copy Link](command:codexAuth.waiting.copyLink) | [Open Again](command:codexAuth.waiting.openAgain)",
  );
  assert.equal(waitingLine("Waiting.", undefined, []), "Waiting.");
});

test("a message of the server brings no link of its own", () => {
  assert.doesNotMatch(waitingLine("see [this](command:x)", undefined, []), /\]\(/);
});
