// Settings of this extension that stand in a workspace's file, where they have no effect. Pure.

/** Bytes of a file that is searched; a larger one was not written by a person. */
export const LARGEST_FILE = 1024 * 1024;

/** Only these are named: a file could otherwise choose the words of the warning. */
const SETTINGS: readonly string[] = [
  "codexAuth.server.command",
  "codexAuth.server.codexHome",
  "codexAuth.server.issuer",
  "codexAuth.accountsMenu",
];

/** The names in the text of a `settings.json` or `.code-workspace`, each once. Every character is looked at once. */
export function settingsNamedIn(text: string): string[] {
  const names = new Set<string>();
  let last = ""; // the string after which nothing has come yet but comments
  for (let at = 0; at < text.length; ) {
    const end = endOfToken(text, at);
    const token = text.slice(at, end);
    if (token === ":" && SETTINGS.includes(last)) names.add(last);
    if (token.startsWith('"')) last = token.slice(1, -1);
    else if (!isBlankOrComment(token)) last = "";
    at = end;
  }
  return [...names];
}

export function withoutEffect(names: readonly string[]): string {
  const are = names.length === 1 ? "is set" : "are set";
  return `${names.join(" and ")} ${are} by this workspace, without effect: only your own settings count for the sign-in.`;
}

/** The end of a string or comment, which may be that of the text; else the next character. */
function endOfToken(text: string, at: number): number {
  if (text[at] === '"') return endOfString(text, at + 1);
  if (text.startsWith("//", at)) return after(text, "\n", at);
  if (text.startsWith("/*", at)) return after(text, "*/", at + 2);
  return at + 1;
}

function endOfString(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function after(text: string, closer: string, start: number): number {
  const at = text.indexOf(closer, start);
  return at === -1 ? text.length : at + closer.length;
}

function isBlankOrComment(token: string): boolean {
  return token.length > 1 || /\s/.test(token);
}
