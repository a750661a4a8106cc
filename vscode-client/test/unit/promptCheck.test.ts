import assert from "node:assert/strict";
import { test } from "node:test";
import { isSafePrompt } from "../../src/promptCheck";
import type { LoginPromptParams } from "../../src/protocol";

const LINK: LoginPromptParams = { attemptId: "a-1", kind: "openUrl", url: "https://auth.example.com/authorize", message: "Sign in." };
const DEVICE: LoginPromptParams = { ...LINK, kind: "deviceCode", url: "https://auth.example.com/device", userCode: "ABCD-12345" };

for (const [what, prompt, expected] of [
  ["a link", LINK, true],
  ["a test issuer's link", { ...LINK, url: "http://127.0.0.1:4000/authorize" }, true],
  ["a code", DEVICE, true],
  ["a code in groups", { ...DEVICE, userCode: "AB12 CD34" }, true],
  ["a plain link to elsewhere", { ...LINK, url: "http://auth.example.com/authorize" }, false],
  ["a file", { ...LINK, url: "file:///home/someone/x.desktop" }, false],
  ["an address that begins like another one", { ...LINK, url: "https://auth.openai.com@evil.example/" }, false],
  ["an address with a password", { ...DEVICE, completeUrl: "https://someone:word@auth.example.com/" }, false],
  ["a second address that is no address", { ...DEVICE, completeUrl: "auth" }, false],
  ["a code of several lines", { ...DEVICE, userCode: "ABCD\n\nOpen https://evil.example" }, false],
  ["a code with a link", { ...DEVICE, userCode: "[a](command:b)" }, false],
  ["no code", { ...DEVICE, userCode: "" }, false],
  ["a code without end", { ...DEVICE, userCode: "A".repeat(65) }, false],
] as const) {
  test(`a prompt with ${what} is ${expected ? "shown" : "refused"}`, () => {
    assert.equal(isSafePrompt(prompt), expected);
  });
}
