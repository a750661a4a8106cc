import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsNamedIn, withoutEffect } from "../../src/workspaceSettings";

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
