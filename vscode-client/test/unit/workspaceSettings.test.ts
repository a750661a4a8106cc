import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "../../package.json";
import { LARGEST_FILE, settingsNamedIn, withoutEffect } from "../../src/workspaceSettings";

test("settings of this extension are found by name, each once", () => {
  const text = '{ "editor.tabSize": 2, "codexAuth.server.command": ["/bin/sh"],\n "codexAuth.server.issuer" : "x", "codexAuth.server.command": [] }';
  assert.deepEqual(settingsNamedIn(text), ["codexAuth.server.command", "codexAuth.server.issuer"]);
});

test("comments and values do not count", () => {
  const text = '{ // "codexAuth.server.command": 1\n /* "codexAuth.server.issuer": 2 */ "a": "codexAuth.server.codexHome", "b": "// \\" no comment", "codexAuth.accountsMenu": true }';
  assert.deepEqual(settingsNamedIn(text), ["codexAuth.accountsMenu"]);
});

test("a file that is no JSON does no harm", () => {
  assert.deepEqual(settingsNamedIn('"""{{{/*'), []);
  assert.deepEqual(settingsNamedIn(""), []);
});

test("the message names them and says what counts", () => {
  assert.match(withoutEffect(["codexAuth.server.command"]), /^codexAuth\.server\.command is set by this workspace, without effect/);
  assert.match(withoutEffect(["a", "b"]), /^a and b are set/);
});

test("the settings that the extension has are known, and no other word is taken from a file", () => {
  const settings = Object.keys(manifest.contributes.configuration.properties);
  assert.deepEqual(settingsNamedIn(JSON.stringify(Object.fromEntries(settings.map((name) => [name, 1])))), settings);
  assert.deepEqual(settingsNamedIn('{ "codexAuth.Please.run.this.command.as.root": 1, "codexAuth.server.commandX": 2 }'), []);
});

test("a name counts where a comment stands between it and its value, and not where something else does", () => {
  assert.deepEqual(settingsNamedIn('{ "codexAuth.accountsMenu" /* : */ // :\n : true }'), ["codexAuth.accountsMenu"]);
  assert.deepEqual(settingsNamedIn('["codexAuth.accountsMenu", : "codexAuth.server.issuer" ? : 1]'), []);
});

for (const part of ["/*x ", '"\\"', '"', "// ", "\\", "/", "\"codexAuth.accountsMenu\""]) {
  test(`a file full of ${JSON.stringify(part)} is read to its end`, () => {
    const text = part.repeat(LARGEST_FILE / part.length);
    assert.deepEqual(settingsNamedIn(text), []);
    assert.deepEqual(settingsNamedIn(`{ "codexAuth.accountsMenu": 1 }\n${text}`), ["codexAuth.accountsMenu"]);
  });
}
