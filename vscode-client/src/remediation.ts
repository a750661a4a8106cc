// What a person may be offered with a message: the server's advice, reduced to what is known here.

import type { Remediation } from "./protocol";

/** The commands of this extension; the server's advice may name them, and no others. */
const COMMANDS = [
  "codexAuth.signIn",
  "codexAuth.signInWithDeviceCode",
  "codexAuth.signInWithApiKey",
  "codexAuth.signOut",
  "codexAuth.account",
  "codexAuth.showLog",
  "codexAuth.status",
  "codexAuth.cancel",
] as const;

export type CommandId = (typeof COMMANDS)[number];

export interface Action {
  title: string;
  command?: CommandId;
  url?: string;
}

export interface Advice {
  actions: Action[];
  /** Advice without a button, such as a line for a shell. */
  sentences: string[];
}

export function adviceOf(remediation: unknown): Advice {
  const advice: Advice = { actions: [], sentences: [] };
  for (const { title, command, url } of Array.isArray(remediation) ? remediation.filter(isRemediation) : []) {
    if (command !== undefined) {
      if (isKnown(command)) advice.actions.push({ title, command });
    } else if (url !== undefined) {
      if (isPage(url)) advice.actions.push({ title, url });
    } else {
      advice.sentences.push(title);
    }
  }
  return advice;
}

/** Characters of a text from outside that are shown; VS Code is not made for more. */
const LONGEST_TEXT = 2000;

/** The text as VS Code shows it literally: messages would otherwise turn `[a](command:b)` into a link. */
export function literal(text: string): string {
  return shortened(text, LONGEST_TEXT).replace(/\]\(/g, "] (");
}

/** At most so many characters, the last one an ellipsis where some were cut. */
export function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** An address of a page that may be opened. */
export function isPage(url: string): boolean {
  const parsed = parseUrl(url);
  return parsed?.protocol === "https:" && !hasPerson(parsed);
}

/** An address that may be opened for a sign-in: https, or plain http to this machine (a test issuer). */
export function isSignInAddress(url: string): boolean {
  const parsed = parseUrl(url);
  if (parsed === undefined) return false;
  if (hasPerson(parsed)) return false;
  return parsed.protocol === "https:" || (parsed.protocol === "http:" && isLoopback(parsed.hostname));
}

function isKnown(command: string): command is CommandId {
  return COMMANDS.some((known) => known === command);
}

function isRemediation(value: unknown): value is Remediation {
  if (typeof value !== "object" || value === null) return false;
  const { title, command, url } = value as Record<string, unknown>;
  return typeof title === "string" && title !== "" && [command, url].every((field) => field === undefined || typeof field === "string");
}

/** `https://auth.example.com@elsewhere.example` leads to another place than it seems to. */
function hasPerson({ username, password }: URL): boolean {
  return username !== "" || password !== "";
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function parseUrl(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
