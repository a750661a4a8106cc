import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseMethod } from "../../src/methodChoice";
import type { LoginMethod } from "../../src/protocol";

const BROWSER = method("browser", { recommended: true });
const CODE = method("deviceCode");
const KEY = method("apiKey");

test("at the person's own machine the recommended way is taken without a question", () => {
  assert.deepEqual(chooseMethod([BROWSER, CODE, KEY], false), { kind: "use", method: "browser" });
});

test("the recommended way counts, wherever it stands", () => {
  const code = { ...CODE, recommended: true };
  assert.deepEqual(chooseMethod([method("browser"), code, KEY], false), { kind: "use", method: "deviceCode" });
});

test("without a recommendation the first that works is taken", () => {
  const browser = method("browser", { available: false, unavailableReason: "Both ports are taken." });
  assert.deepEqual(chooseMethod([browser, CODE, KEY], false), { kind: "use", method: "deviceCode" });
});

test("in a remote window the person is asked first, in the server's order, for what works", () => {
  const browser = method("browser", { available: false });
  assert.deepEqual(chooseMethod([CODE, BROWSER, KEY], true), { kind: "ask", methods: [CODE, BROWSER, KEY] });
  assert.deepEqual(chooseMethod([CODE, KEY, browser], true), { kind: "ask", methods: [CODE, KEY] });
});

test("a question with one answer is not asked", () => {
  assert.deepEqual(chooseMethod([KEY, method("browser", { available: false })], true), { kind: "use", method: "apiKey" });
});

test("a way of a later server is passed over", () => {
  const passkey = method("passkey", { recommended: true });
  assert.deepEqual(chooseMethod([passkey, CODE], false), { kind: "use", method: "deviceCode" });
});

test("where nothing works each reason is told once", () => {
  const forbidden = { available: false, unavailableReason: "The policy forbids it." };
  const choice = chooseMethod([method("browser", forbidden), method("deviceCode", forbidden)], false);
  assert.deepEqual(choice, { kind: "none", message: "There is no way to sign in to Codex here. The policy forbids it." });
});

function method(id: string, more: Partial<LoginMethod> = {}): LoginMethod {
  return { id, title: id, description: id, available: true, recommended: false, ...more };
}
