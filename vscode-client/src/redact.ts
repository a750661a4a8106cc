// What is taken out of a message before it may be written anywhere.
// The fields that carry secrets are named by the server's models; every other string is still
// searched for the shapes that tokens, keys and sign-in addresses have.

import { SECRET_PARAMS, SECRET_RESULTS } from "./protocol";

export const HIDDEN = "[hidden]";

const SHOWN_DOCUMENT = "window/showDocument";

/** These show a device code as plain text beside its address, so such a text is hidden whole. */
const SHOWN_TEXTS: ReadonlySet<string> = new Set(["window/showMessage", "window/showMessageRequest"]);

/** Names under which a secret stands, however a program spells them. */
const SECRET_NAMES = [
  "(?:access|refresh|id|bearer|session)[_-]?token",
  "api[_-]?key",
  "authorization(?:[_-]?code)?",
  "code[_-]?verifier",
  "client[_-]?secret",
  "user[_-]?code",
  "device[_-]?(?:auth[_-]?id|code)",
  "(?:set-)?cookie",
].join("|");

const SECRET_NAME = new RegExp(`^(?:x-)?(?:${SECRET_NAMES})$`, "i");

/** Names of OAuth's secrets and of this protocol's words alike; a word has letters alone. */
const CODE_OR_STATE = /^(?:code|state)$/;
const WORD = /^[A-Za-z]*$/;

/** Each takes time that grows no faster than the text: what it may pass over is bounded, or part of its match. */
const SECRET_SHAPES: readonly (readonly [RegExp, string])[] = [
  [/(:\/\/)[^\s/?#"'<>]*@/g, `$1${HIDDEN}@`],
  // What follows the path of an address; a quote is a part of it where a letter or so comes next.
  [/[?#](?<=\/\/[^\s?#"'<>]*[?#])(?:[^\s"'<>]|["'](?=[\w%&=+.-]))*/g, `?${HIDDEN}`],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, HIDDEN],
  [/\b(?:sk|rt|at|ac|sess)[-_.][\w.-]{8,}/g, HIDDEN],
  [/(\bAuthorization["']?\s*[:=]\s*["']?)[^\r\n"']+/gi, `$1${HIDDEN}`],
  [/\b(Bearer|Basic)\s+[^\s"',]+/gi, `$1 ${HIDDEN}`],
  [/\b((?:code|state)(?:=|%3D))[^&\s"']+/gi, `$1${HIDDEN}`],
  [/((?:token|password|passwd|secret)=)[^&\s"']+/gi, `$1${HIDDEN}`],
  [/(["'](?:token|password|passwd|secret)["']\s*:\s*["'])[^"']+/gi, `$1${HIDDEN}`],
  [/(["'](?:code|state)["']\s*:\s*["'])(?![A-Za-z]*["'])[^"']+/g, `$1${HIDDEN}`],
  [/(\bCookie["']?\s*[:=]\s*["']?)[^\r\n"']+/gi, `$1${HIDDEN}`],
  [new RegExp(`\\b((?:${SECRET_NAMES})\\\\?["']?\\s*(?:[=:]|%3D)\\s*\\\\?["']?)(?!\\${HIDDEN})[^&\\s"',\\\\]+`, "gi"), `$1${HIDDEN}`],
  // What a person types to sign in with a device code.
  [/\b(?=[\d-]{0,10}[A-Z])[A-Z\d]{4}-[A-Z\d]{4,6}\b/g, HIDDEN],
];

/** Characters of a text that are looked at and kept; what comes after them is cut. */
const LONGEST_TEXT = 64 * 1024;

/** How often a text may have been quoted or put into an address: each time wraps it once more. */
const WRAPPINGS = 3;

/** Returns a copy of a JSON-RPC message that is fit to log; `answers` is the method that a response belongs to. */
export function redactMessage(message: unknown, answers?: string): unknown {
  if (!isObject(message)) return redactValue(message);
  const copy: Record<string, unknown> = { ...message };
  const method = copy["method"];
  if (typeof method === "string") {
    const params = copy["params"];
    if (isObject(params)) copy["params"] = redactParams(method, params);
    else if (Array.isArray(params)) {
      copy["params"] = params.map((entry: unknown) => (isObject(entry) ? redactParams(method, entry) : entry));
    }
  }
  if (answers !== undefined && SECRET_RESULTS.has(answers) && copy["result"] !== undefined) {
    copy["result"] = HIDDEN;
  }
  return redactValue(copy);
}

/** Returns the text without what looks like a token, a key or the query of an address. */
export function redactText(text: string): string {
  const kept = text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}… [cut]`;
  return withoutWrapped(withoutShapes(kept), WRAPPINGS);
}

function withoutShapes(text: string): string {
  return SECRET_SHAPES.reduce((current, [shape, instead]) => current.replace(shape, instead), text);
}

/** A text whose secrets show only once it is unwrapped is kept unwrapped, without them. */
function withoutWrapped(text: string, wrappings: number): string {
  const unwrapped = text.replace(/%([2-7][\dA-F])/gi, (_escape, hex: string) => String.fromCharCode(parseInt(hex, 16))).replace(/\\(["'\\/])/g, "$1");
  if (unwrapped === text || wrappings === 0) return text;
  const bare = withoutShapes(unwrapped);
  const inner = withoutWrapped(bare, wrappings - 1);
  return inner === unwrapped ? text : inner;
}

function redactParams(method: string, params: Record<string, unknown>): unknown {
  const copy = { ...params };
  for (const field of method === SHOWN_DOCUMENT ? ["uri"] : (SECRET_PARAMS[method] ?? [])) {
    if (copy[field] !== undefined) copy[field] = HIDDEN;
  }
  const text = copy["message"];
  if (SHOWN_TEXTS.has(method) && typeof text === "string" && /https?:\/\//i.test(text)) {
    copy["message"] = HIDDEN;
  }
  return copy;
}

function redactValue(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, isSecret(key, inner) ? HIDDEN : redactValue(inner)]));
  }
  return value;
}

function isSecret(name: string, value: unknown): boolean {
  if (SECRET_NAME.test(name)) return value !== null && value !== undefined;
  return CODE_OR_STATE.test(name) && typeof value === "string" && !WORD.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
