// The script that pip, pipx and uv make for a program of a package. Pure.

import { basename, dirname } from "node:path";

/** The lines that stand for a first line which would be too long or has a blank; or that line. */
const FIRST_LINE = /^#!\/bin\/sh\n'''exec' "?(\/[^"\n]+?)"? "\$0" "\$@"\n' '''\n|^#!(\/\S+)\n/;
const PYTHON = /^python(?:3(?:\.\d+)?)?$/;
const IMPORT = /^from codex_auth_lsp\.\w+ import main$/m;

/**
 * The Python of the server's script, if it stands beside it, as in a virtual environment: only
 * there it surely finds the server with `-I` too, which passes over a person's own packages.
 */
export function interpreterBeside(script: string, text: string): string | undefined {
  const [, long, short] = FIRST_LINE.exec(text) ?? [];
  const interpreter = long ?? short;
  if (interpreter === undefined || !PYTHON.test(basename(interpreter)) || !IMPORT.test(text)) return undefined;
  return dirname(interpreter) === dirname(script) ? interpreter : undefined;
}
