// A stand-in for the language server: scripted answers over stdio, steered by the test over HTTP.
// It knows the wire and nothing of OAuth. Usage: node fakeServer.mjs CONTROL_URL [PROTOCOL_VERSION]

import { randomUUID } from "node:crypto";

const [, , control, protocolVersion = "1"] = process.argv;
const serverInstanceId = randomUUID();
let revision = 0;
let status = signedOut();
let pages = control; // where the sign-in pages are
let login; // { id, attemptId, method } of the request that waits

const SIGNED_IN = {
  state: "signedIn", method: "chatgpt", billing: "subscription", freshness: "fresh",
  account: { id: "account-1", email: "someone@example.com", planType: "plus", label: "someone@example.com" },
  expiresAt: "2030-01-02T03:04:05Z",
};

const LAST_ERROR = {
  kind: "networkUnreachable", retryable: true, message: "The sign-in service cannot be reached.",
  remediation: [{ title: "Sign in again", command: "codexAuth.signIn" }, { title: "Run a strange thing", command: "codexAuth.strange" }],
};

const WITH_KEY = {
  message: "Signed in to Codex with an API key, billed at API rates.",
  links: [{ title: "API pricing", url: "https://openai.com/api/pricing/" }],
};

const answers = {
  initialize: () => ({
    capabilities: {
      experimental: {
        auth: {
          protocolVersion: Number(protocolVersion), serverInstanceId, loginMethods: ["browser", "deviceCode", "apiKey"],
          requests: Object.keys(answers).filter((name) => name.startsWith("auth/")).concat("auth/login"), notifications: [],
        },
      },
    },
    serverInfo: { name: "fake", version: "0" },
  }),
  "auth/status": async () => {
    await statusMayBeKnown();
    return status;
  },
  "auth/methods": () => ({
    methods: [
      { id: "browser", title: "Sign in with ChatGPT", description: "Opens your browser.", available: true, recommended: true },
      { id: "deviceCode", title: "Sign in with a device code", description: "Shows a code.", available: true, recommended: false },
      { id: "apiKey", title: "Sign in with an API key", description: "Takes a key.", available: true, recommended: false },
    ],
  }),
  "auth/providers": () => ({
    activeProviderId: "openai", revision: 1, serverInstanceId,
    providers: [
      { id: "lab", name: "The lab", active: false, baseUrl: "https://lab.example/v1", authKind: "environmentKey", requiresOpenaiAuth: false,
        environmentKey: { name: "LAB_KEY", present: false, instructions: "Ask at the desk." }, ready: false,
        problems: ["The environment variable LAB_KEY is not set. Ask at the desk."] },
      { id: "openai", name: "OpenAI", active: true, authKind: "openai", requiresOpenaiAuth: true, ready: true, problems: [] },
    ],
  }),
  "auth/credential": () => ({
    providerId: "openai", baseUrl: "https://api.example.com/v1", headers: { Authorization: "Bearer SECRETACCESS" }, revision: 1,
  }),
  "auth/doctor": () => ({
    checks: [
      { id: "home", status: "ok", summary: "The Codex folder is ~/.codex (the default)." },
      { id: "permissions", status: "warning", summary: "Others can read auth.json.", remediation: [{ title: "Run: chmod 600 ~/.codex/auth.json" }] },
    ],
  }),
  "auth/reopenBrowser": () => {
    prompt();
    return {};
  },
  "auth/submitCallback": ({ url }) => {
    if (!url.includes("state=SECRETSTATE")) return failure("callbackRejected", "The address does not belong to the sign-in that is waiting.");
    setTimeout(() => finishLogin(SIGNED_IN)); // after the answer
    return { accepted: true };
  },
  "auth/cancelLogin": () => {
    if (login === undefined) return { outcome: "notFound" };
    endLogin({ code: -32802, kind: "loginCancelled" });
    return { outcome: "cancelled" };
  },
  "auth/logout": () => {
    if (login !== undefined) endLogin({ code: -32802, kind: "loginCancelled" });
    change({ ...signedOut() }, "logout");
    return { removed: ["file"], remaining: [], revoked: "yes", status };
  },
  shutdown: () => null,
};

async function receive({ id, method, params }) {
  if (method !== undefined) void tell("/record", { method, params });
  if (method === "exit") process.exit(0);
  if (method === "initialized") void greet();
  if (method === "$/cancelRequest" && login?.id === params.id) endLogin({ code: -32800, kind: "loginCancelled" });
  if (method === "auth/login") startLogin(id, params);
  else if (id !== undefined && method !== undefined) {
    const answer = answers[method];
    if (answer === undefined) send({ id, error: { code: -32601, message: "Unknown method." } });
    else send({ id, ...settled(await answer(params)) });
  }
}

class Failure {
  constructor(error) { this.error = error; }
}

function failure(kind, message) {
  return new Failure({ code: -32803, message, data: { kind, retryable: false, remediation: [] } });
}

function settled(answer) {
  return answer instanceof Failure ? { error: answer.error } : { result: answer };
}

async function greet() {
  notify("window/logMessage", { type: 3, message: "the server tells code=SECRETTOLD" });
  await statusMayBeKnown();
  notify("auth/statusChanged", { status, cause: "startup", origin: "thisServer", accountChanged: false });
}

function startLogin(id, params) {
  if (login !== undefined) endLogin({ code: -32802, kind: "loginSuperseded" });
  login = { id, attemptId: params.attemptId ?? randomUUID(), method: params.method };
  if (params.method === "apiKey") {
    if (params.apiKey.includes(" ")) endLogin({ code: -32803, kind: "apiKeyInvalid", message: "That cannot be an API key." });
    else finishLogin({ state: "signedIn", method: "apiKey", billing: "usage", freshness: "unknown", account: { label: "API key" } });
    return;
  }
  const now = new Date().toISOString();
  change({ ...status, pendingLogin: { attemptId: login.attemptId, method: login.method, startedAt: now, expiresAt: now } }, "pendingLogin");
  notify("auth/loginProgress", { attemptId: login.attemptId, phase: "waitingForUser", message: "Waiting for you to sign in in the browser." });
  prompt();
}

function prompt() {
  const { attemptId, method } = login;
  notify("auth/loginPrompt", method === "deviceCode"
    ? { attemptId, kind: "deviceCode", url: `${control}/device`, userCode: "WXYZ-SECRETCODE", expiresAt: new Date(Date.now() + 15 * 60_000).toISOString(), message: "Never share this code. Go on only if you started this sign-in." }
    : { attemptId, kind: "openUrl", url: `${pages}/authorize?state=SECRETSTATE&scope=openid%20email`, message: "Sign in in the browser." });
}

function finishLogin(how) {
  const { id, attemptId } = login;
  login = undefined;
  change({ ...signedOut(), ...how, provider: { ...status.provider, ready: true } }, "login");
  notify("auth/loginCompleted", { attemptId, outcome: "signedIn" });
  send({ id, result: { attemptId, status, ...(how.method === "apiKey" ? WITH_KEY : { message: `Signed in to Codex as ${how.account.label}.`, links: [] }) } });
}

function endLogin({ code, kind, message = "The sign-in was cancelled." }) {
  const { id, attemptId } = login;
  login = undefined;
  const { pendingLogin, ...rest } = status;
  if (pendingLogin !== undefined) change(rest, "pendingLogin");
  const data = { kind, retryable: true, attemptId, remediation: [{ title: "Show the log", command: "codexAuth.showLog" }] };
  notify("auth/loginCompleted", { attemptId, outcome: code === -32803 ? "failed" : "cancelled", error: { ...data, message } });
  send({ id, error: { code, message, data } });
}

function change(next, cause) {
  status = { ...next, revision: ++revision, serverInstanceId };
  const origin = cause === "externalChange" ? "otherProcess" : "thisServer";
  notify("auth/statusChanged", { status, cause, origin, accountChanged: true });
}

function signedOut() {
  return {
    revision, serverInstanceId, state: "signedOut", billing: "none", freshness: "unknown", shadowed: [],
    cloud: { available: false, reason: "signedOut", mfa: { requirement: "unknown", reason: "Nobody is signed in.", links: [] } },
    store: { mode: "file", backend: "file", path: "/home/someone/.codex/auth.json", encrypted: false, health: "ok" },
    provider: { id: "openai", authKind: "openai", requiresOpenaiAuth: true, ready: false, problems: [] },
  };
}

const orders = {
  signedIn: () => login && finishLogin(SIGNED_IN),
  otherProcessSignedOut: () => change(signedOut(), "externalChange"),
  oddLabel: () => change({ ...signedOut(), ...SIGNED_IN, account: { label: "$(bug) [x](command:a) <b>" }, lastError: LAST_ERROR }, "refresh"),
  otherAccount: () => change({ ...signedOut(), ...SIGNED_IN, account: { id: "account-2", label: "other@example.com" } }, "externalChange"),
  needsReauth: () => change({ ...signedOut(), ...SIGNED_IN, state: "needsReauth", freshness: "stale" }, "refresh"),
  notice: () => notify("auth/notice", {
    code: "storePermissions", severity: "warning", message: "Other people on this computer can read the login.",
    actions: [{ title: "Run: chmod 600 auth.json" }, { title: "Sign out", command: "codexAuth.signOut" }],
  }),
  pagesElsewhere: () => { pages = "https://sign-in.example"; }, // VS Code asks before it opens these
  pagesHere: () => { pages = control; },
  strayPrompts: () => {
    for (const kind of ["openUrl", "deviceCode"]) {
      notify("auth/loginPrompt", { attemptId: randomUUID(), kind, url: `${control}/stray`, userCode: "STRAY-CODE1", message: "Nobody has asked for this." });
    }
  },
  message: () => notify("window/showMessage", { type: 3, message: "A message with a [link](command:codexAuth.signOut)" }),
  crash: () => process.exit(3),
};

function notify(method, params) {
  send({ method, params });
}

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  process.stdout.write(`Content-Length: ${body.length}\r\n\r\n`);
  process.stdout.write(body);
}

/** Resolves when the test lets it. */
async function statusMayBeKnown() {
  await fetch(`${control}/status`);
}

async function tell(path, body) {
  await fetch(control + path, { method: "POST", body: JSON.stringify(body) }).catch(() => undefined);
}

async function listenForOrders() {
  const response = await fetch(`${control}/orders`);
  for await (const chunk of response.body) {
    for (const order of Buffer.from(chunk).toString().split("\n").filter(Boolean)) orders[order]?.();
  }
}

let buffered = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  buffered = Buffer.concat([buffered, chunk]);
  for (;;) {
    const end = buffered.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(buffered.subarray(0, end).toString())[1]);
    if (buffered.length < end + 4 + length) return;
    const body = buffered.subarray(end + 4, end + 4 + length).toString();
    buffered = buffered.subarray(end + 4 + length);
    void receive(JSON.parse(body));
  }
});
process.stdin.on("end", () => process.exit(0));
process.stderr.write("the server says access_token=SECRETLOGGED\n");
process.stderr.write('the server adds {"accessToken": "SECRETNAMED", "user_code": "SECRETUSER", "code": "SECRET-QUOTED"} of WXYZ-S3CRT\n');
listenForOrders().catch(() => process.exit(1));
