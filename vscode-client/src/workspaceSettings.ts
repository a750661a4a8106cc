// Settings of this extension that stand in a workspace's file, where they have no effect. Pure.

const STRINGS_AND_COMMENTS = /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** The names in the text of a `settings.json` or `.code-workspace`, each once. */
export function settingsNamedIn(text: string): string[] {
  const bare = text.replace(STRINGS_AND_COMMENTS, (_match, string?: string) => string ?? "");
  const names = [...bare.matchAll(/"(codexAuth\.[A-Za-z.]+)"\s*:/g)].flatMap(([, name]) => name ?? []);
  return [...new Set(names)];
}

export function withoutEffect(names: readonly string[]): string {
  const are = names.length === 1 ? "is set" : "are set";
  return `${names.join(" and ")} ${are} by this workspace, without effect: only your own settings count for the sign-in.`;
}
