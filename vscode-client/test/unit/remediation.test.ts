import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceOf, isSignInAddress, literal } from "../../src/remediation";

test("known commands and https pages become buttons, plain advice a sentence", () => {
  const signIn = { title: "Sign in", command: "codexAuth.signIn" };
  const page = { title: "Help", url: "https://example.com/help" };
  assert.deepEqual(adviceOf([signIn, page, { title: "Run codex login" }]), { actions: [signIn, page], sentences: ["Run codex login"] });
});

test("unknown commands, other addresses and broken advice are hidden", () => {
  const hidden = [
    { title: "x", command: "workbench.action.terminal.new" },
    { title: "x", url: "http://example.com" },
    { title: "x", url: "file:///etc/passwd" },
    { title: "x", url: "command:codexAuth.signIn" },
    { title: "" },
    { command: "codexAuth.signIn" },
    { title: "x", command: 7 },
    null,
    "text",
  ];
  assert.deepEqual(adviceOf(hidden), { actions: [], sentences: [] });
  assert.deepEqual(adviceOf(undefined), { actions: [], sentences: [] });
});

test("only https and this machine are opened for a sign-in", () => {
  const opened = ["https://auth.openai.com/authorize", "http://127.0.0.2:8080/a", "http://localhost/a", "http://[::1]:80/a"];
  const refused = ["https://auth.openai.com@evil.example/", "https://a:b@auth.openai.com/", "http://x@127.0.0.1/", "http://auth.openai.com/a", "http://127.0.0.1.example.com/", "file:///x", "vscode://x/y", "javascript:alert(1)", "no address"];
  assert.deepEqual(opened.filter(isSignInAddress), opened);
  assert.deepEqual(refused.filter(isSignInAddress), []);
});

test("a message cannot bring a link along", () => {
  assert.equal(literal("see [this](command:x)"), "see [this] (command:x)");
});

test("a message without end is cut", () => {
  assert.equal(literal("x".repeat(1_000_000)), `${"x".repeat(1999)}…`);
});

test("a page whose address names a person is not offered", () => {
  const pages = ["https://auth.openai.com@evil.example/", "https://auth.openai.com/help"].map((url) => ({ title: "Help", url }));
  assert.deepEqual(adviceOf(pages).actions, [{ title: "Help", url: "https://auth.openai.com/help" }]);
});
