// How a status looks in the status bar: one pure function, and the words it uses.

import { homedir } from "node:os";
import { sep } from "node:path";
import type { AuthError, AuthStatus } from "./protocol";
import { shortened } from "./remediation";

/** `missing`: no server was found; `stopped`: it has ended or did not start. */
export type Connection = "starting" | "running" | "stopped" | "missing";

export interface Presentation {
  text: string;
  /** Markdown in which everything that came from outside is escaped. */
  tooltip: string;
  command: "codexAuth.signIn" | "codexAuth.account";
  severity: "normal" | "warning" | "error";
  /** Has the words that are shown, since people who speak to their computer say what they see. */
  accessibilityLabel: string;
}

type FormatTime = (time: string) => string;

/** Characters of a label that are shown in the status bar; the tooltip has more of it. */
const LABEL_LIMIT = 48;

/** Characters of one fact. */
const FACT_LIMIT = 1000;

/** How many problems of a provider are told, and how many logins that are not in use. */
const LIST_LIMIT = 10;

const WAITING = "Waiting for the sign-in to be finished. Click to cancel, to open it again or to copy the link.";

export function presentStatus(
  status: AuthStatus | undefined,
  connection: Connection,
  failure = "The sign-in server is not running.",
  formatTime: FormatTime = localTime,
): Presentation {
  if (connection === "missing") return warning("Codex: Server Not Found", escapeMarkdown(failure));
  if (connection === "stopped") return { ...warning("Codex: Stopped", escapeMarkdown(failure)), severity: "error" };
  if (connection === "starting" || status === undefined) return unknownYet();
  const tooltip = facts(status, formatTime);
  if (status.pendingLogin !== undefined) return { ...waiting(), tooltip: `${WAITING}\n\n${tooltip}` };
  return { ...presentState(status), tooltip };
}

/** The facts of a status, one line each, as plain text: for the tooltip and the account menu. */
export function describeStatus(status: AuthStatus, formatTime: FormatTime = localTime, home: string = homedir()): string[] {
  const { account, store, lastError, cloud } = status;
  const expiresAt = status.state === "needsReauth" ? undefined : status.expiresAt; // it has ended, whatever it says
  const facts = [
    standingInWords(status),
    ...(account?.planType === undefined ? [] : [`Plan: ChatGPT ${capitalized(account.planType)}`]),
    `Billing: ${billingInWords(status)}`,
    `Login kept in: ${storeInWords(store, home, lastError?.message)}`,
    ...(expiresAt === undefined ? [] : [`Valid until: ${formatTime(expiresAt)}, renewed when needed`]),
    ...(status.freshness === "stale" ? ["The login has expired or could not be renewed yet"] : []),
    `Provider: ${status.provider.id}`,
    ...status.provider.problems.slice(0, LIST_LIMIT),
    ...status.shadowed.slice(0, LIST_LIMIT).map(({ reason }) => `Also there: ${reason}`),
    ...(cloud.reason === "chatgptRequired" ? ["Codex cloud: needs a sign-in with ChatGPT"] : []),
    ...(cloud.mfa.requirement === "required" ? [`Before using Codex cloud: ${cloud.mfa.reason}`] : []),
    ...(lastError === undefined ? [] : [lastErrorInWords(lastError)]),
  ];
  return facts.map((fact) => shortened(fact, FACT_LIMIT));
}

export function lastErrorInWords({ message }: AuthError): string {
  return shortened(`Last error: ${message}`, FACT_LIMIT);
}

export function standingInWords(status: AuthStatus): string {
  return shortened(`${stateInWords(status)}${status.account === undefined ? "" : `: ${status.account.label}`}`, FACT_LIMIT);
}

/** What is asked of the account before it uses Codex cloud. */
export function mfaInWords(requirement: string): string {
  const words: Record<string, string> = {
    required: "required before Codex cloud",
    managedByOrganization: "your organization's matter",
    recommended: "recommended",
  };
  return words[requirement] ?? "not known for this account";
}

function presentState(status: AuthStatus): Omit<Presentation, "tooltip"> {
  switch (status.state) {
    case "signedOut":
      return plain("Codex: Sign In", "Codex: Sign In, nobody is signed in", "codexAuth.signIn");
    case "signedIn":
      return signedIn(status);
    case "needsReauth":
      return { ...warning("Codex: Sign In Again"), accessibilityLabel: "Codex: Sign In Again, the login has ended", command: "codexAuth.signIn" };
    case "notRequired":
      return notRequired(status);
    case "unavailable":
      return warning(unreadable(status));
    default:
      // A state that a later server may have: known by its account, else left open.
      return status.account === undefined ? unknownYet() : signedIn(status);
  }
}

/** What keeps the login from being read. */
function unreadable({ store, lastError }: AuthStatus): string {
  if (lastError?.kind === "configurationInvalid" && store.backend === "none") return "Codex: config.toml Unusable";
  return store.health === "locked" ? "Codex: Keyring Locked" : "Codex: Login Unreadable";
}

function signedIn(status: AuthStatus): Omit<Presentation, "tooltip"> {
  // `model_provider` names what is nowhere: no login is of use then.
  if (status.lastError?.kind === "providerUnknown") return warning("Codex: Provider Unknown");
  const label = status.account?.label ?? "Codex: Signed In";
  return plain(`$(account) ${escapeIcons(shortened(label, LABEL_LIMIT))}`, `Codex: signed in as ${shortened(label, FACT_LIMIT)}`);
}

function notRequired(status: AuthStatus): Omit<Presentation, "tooltip"> {
  const byKey = status.method === "environmentKey";
  if (!status.provider.ready) return warning(byKey ? "Codex: Key Not Set" : "Codex: Provider Not Ready");
  return byKey
    ? plain("$(key) Codex: Environment Key", "Codex: Environment Key, no sign-in needed")
    : plain("$(plug) Codex: No Sign-In Needed", "Codex: No Sign-In Needed by the provider");
}

function waiting(): Omit<Presentation, "tooltip"> {
  return plain("$(sync~spin) Codex: Signing in…", "Codex: Signing in… Choose to cancel, to open it again or to copy the link");
}

function unknownYet(): Presentation {
  return { ...plain("Codex: …", "Codex: … The sign-in status is not known yet"), tooltip: "The sign-in status is not known yet." };
}

function plain(
  text: string,
  accessibilityLabel: string,
  command: Presentation["command"] = "codexAuth.account",
): Omit<Presentation, "tooltip"> {
  return { text, accessibilityLabel, command, severity: "normal" };
}

function warning(text: string, tooltip = ""): Presentation {
  return { text: `$(warning) ${text}`, tooltip, accessibilityLabel: text, command: "codexAuth.account", severity: "warning" };
}

function facts(status: AuthStatus, formatTime: FormatTime): string {
  const [first, ...others] = describeStatus(status, formatTime).map(escapeMarkdown);
  return [`**${first ?? ""}**`, ...others].join("\n\n");
}

function stateInWords(status: AuthStatus): string {
  switch (status.state) {
    case "signedOut":
      return "Signed out";
    case "signedIn":
      return "Signed in";
    case "needsReauth":
      return "The login has ended, sign in again";
    case "notRequired":
      return status.method === "environmentKey" ? "A key from the environment is used" : "No sign-in needed";
    case "unavailable":
      return "The stored login cannot be read";
    default:
      return status.state;
  }
}

function billingInWords(status: AuthStatus): string {
  switch (status.billing) {
    case "subscription":
      return "included in the ChatGPT plan";
    case "usage":
      return "by use, at API rates";
    case "provider":
      return "by the provider";
    case "none":
      return "none while signed out";
    default:
      return status.billing;
  }
}

/** `told` is what is said of the store's trouble elsewhere. */
function storeInWords(store: AuthStatus["store"], home: string, told: string | undefined): string {
  const places: Record<string, string> = {
    file: `a file${store.path === undefined ? "" : ` (${shortPath(store.path, home)})`}`,
    keyring: "the system's keyring",
    memory: "memory, until the server ends",
    none: "nothing yet",
  };
  const troubles: Record<string, string> = {
    locked: "it is locked",
    unavailable: "it cannot be reached",
    corrupt: "its content is damaged",
    readOnly: "it cannot be written",
  };
  const detail = store.detail === told ? undefined : store.detail;
  const trouble = detail ?? troubles[store.health];
  return `${places[store.backend] ?? store.backend}${trouble === undefined ? "" : `: ${trouble}`}`;
}

/** A path as people write it, when it lies in their home folder. */
function shortPath(path: string, home: string): string {
  return path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path;
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A label such as `$(bug)` would be drawn as an icon. */
function escapeIcons(text: string): string {
  return text.replace(/\$\(/g, "\\$(");
}

function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]()#+\-.!|<>~$&:@]/g, "\\$&");
}

function localTime(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
