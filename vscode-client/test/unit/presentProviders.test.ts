import assert from "node:assert/strict";
import { test } from "node:test";
import { explainProvider, presentProvider } from "../../src/presentProviders";
import type { ProviderAuth } from "../../src/protocol";

const OPENAI: ProviderAuth = {
  id: "openai", name: "OpenAI", active: true, baseUrl: "https://api.example.com/v1", authKind: "openai",
  requiresOpenaiAuth: true, ready: true, problems: [],
};
const LAB: ProviderAuth = {
  ...OPENAI, id: "lab", name: "The lab", active: false, authKind: "environmentKey", requiresOpenaiAuth: false, ready: false,
  environmentKey: { name: "LAB_KEY", present: false, instructions: "Ask at the desk." },
  problems: ["The environment variable LAB_KEY is not set. Ask at the desk."],
};

for (const [situation, provider, expected] of [
  ["in use and ready", OPENAI, { label: "$(check) OpenAI", description: "openai · in use", detail: "uses the Codex login" }],
  ["ready", { ...OPENAI, active: false }, { label: "$(circle-outline) OpenAI", description: "openai", detail: "uses the Codex login" }],
  ["without its key", LAB, { label: "$(warning) The lab", description: "lab", detail: "The environment variable LAB_KEY is not set. Ask at the desk." }],
  ["without sign-in", { ...OPENAI, authKind: "none" }, { label: "$(check) OpenAI", description: "openai · in use", detail: "needs no sign-in" }],
  ["of a later kind", { ...OPENAI, authKind: "passkey" }, { label: "$(check) OpenAI", description: "openai · in use", detail: "passkey" }],
  ["with an icon in its name", { ...OPENAI, name: "$(bug)" }, { label: "$(check) \\$(bug)", description: "openai · in use", detail: "uses the Codex login" }],
] as const) {
  test(`a provider ${situation}`, () => {
    assert.deepEqual(presentProvider(provider), expected);
  });
}

test("a missing key is explained once, with instructions and the reason why a shell's variable may be unknown", () => {
  const text = explainProvider(LAB);
  assert.match(text, /^The lab at https:\/\/api\.example\.com\/v1: uses the key in the environment variable LAB_KEY\./);
  for (const part of ["LAB_KEY is not set", "Ask at the desk.", "started from a desktop", ".env"]) {
    assert.equal(text.split(part).length, 2, `${part} in ${text}`);
  }
});

test("instructions are told where the problems do not tell them", () => {
  const text = explainProvider({ ...LAB, problems: [] });
  assert.match(text, /The environment variable LAB_KEY is not set\. Ask at the desk\./);
});

test("a provider that is ready has no advice", () => {
  assert.equal(explainProvider(OPENAI), "OpenAI at https://api.example.com/v1: uses the Codex login.");
});
