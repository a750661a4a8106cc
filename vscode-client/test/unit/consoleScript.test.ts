import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { interpreterBeside } from "../../src/consoleScript";

const [, ENTRY = ""] = /^codex-auth-lsp = "codex_auth_lsp\.(\w+):main"$/m.exec(readFileSync(join(__dirname, "../../pyproject.toml"), "utf8")) ?? [];
const BODY = "# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom codex_auth_lsp.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n";
const SCRIPT = "/opt/venv/bin/codex-auth-lsp";

for (const [what, script, text, expected] of [
  ["a virtual environment's", SCRIPT, `#!/opt/venv/bin/python\n${BODY}`, "/opt/venv/bin/python"],
  ["one with the version in its name", SCRIPT, `#!/opt/venv/bin/python3.11\n${BODY}`, "/opt/venv/bin/python3.11"],
  ["one whose folder has a blank", "/opt/my venv/bin/codex-auth-lsp", `#!/bin/sh\n'''exec' "/opt/my venv/bin/python" "$0" "$@"\n' '''\n${BODY}`, "/opt/my venv/bin/python"],
  ["one whose folder has a long name", SCRIPT, `#!/bin/sh\n'''exec' /opt/venv/bin/python "$0" "$@"\n' '''\n${BODY}`, "/opt/venv/bin/python"],
  ["the import that pyproject.toml names", SCRIPT, `#!/opt/venv/bin/python\n${BODY.replace(".cli", `.${ENTRY}`)}`, "/opt/venv/bin/python"],
  ["a person's own packages", "/home/someone/.local/bin/codex-auth-lsp", `#!/usr/bin/python3\n${BODY}`, undefined],
  ["another interpreter", SCRIPT, `#!/opt/venv/bin/pypython\n${BODY}`, undefined],
  ["options of the interpreter", SCRIPT, `#!/opt/venv/bin/python -E\n${BODY}`, undefined],
  ["env", SCRIPT, `#!/usr/bin/env python3\n${BODY}`, undefined],
  ["another program", SCRIPT, "#!/opt/venv/bin/python\nfrom other.cli import main\n", undefined],
  ["a wrapper", SCRIPT, "#!/bin/sh\nexec other\n", undefined],
  ["nothing readable", SCRIPT, "", undefined],
] as const) {
  test(`a script with ${what}: ${expected ?? "started as it is"}`, () => {
    assert.equal(interpreterBeside(script, text), expected);
  });
}

test("the entry point is one that is known here", () => {
  assert.notEqual(ENTRY, "");
});
