import assert from "node:assert/strict";
import { test } from "node:test";
import { HIDDEN, redactMessage, redactText } from "../../src/redact";

const SECRET = "hunter2-hunter2";

const TABLE: [what: string, message: object, answers?: string][] = [
  ["an API key", { method: "auth/login", params: { method: "apiKey", apiKey: SECRET } }],
  ["an API key in a list", { method: "auth/login", params: [{ method: "apiKey", apiKey: SECRET }] }],
  ["a pasted callback", { method: "auth/submitCallback", params: { url: `http://localhost:1455/auth/callback?code=${SECRET}` } }],
  ["a sign-in address", { method: "auth/loginPrompt", params: { kind: "openUrl", url: `https://auth.example.com/${SECRET}` } }],
  ["a page with a device code", { method: "auth/loginPrompt", params: { kind: "deviceCode", url: "https://auth.example.com", completeUrl: `https://auth.example.com/${SECRET}` } }],
  ["a device code", { method: "auth/loginPrompt", params: { kind: "deviceCode", url: "https://auth.example.com", userCode: SECRET } }],
  ["a shown document", { method: "window/showDocument", params: { uri: `https://auth.example.com/${SECRET}`, external: true } }],
  ["a shown message with an address", { method: "window/showMessage", params: { type: 3, message: `Open https://a.example and enter ${SECRET}` } }],
  ["a token by its name", { method: "x/unknown", params: { tokens: [{ accessToken: SECRET }, { refresh_token: SECRET }, { idToken: SECRET }] } }],
  ["a key by its name", { method: "x/unknown", params: { "X-Api-Key": SECRET } }],
  ["a code and a state by their names", { method: "x/unknown", params: { code: SECRET, state: SECRET } }],
  ["a device code by its name", { method: "x/unknown", params: { user_code: SECRET, device_auth_id: SECRET } }],
  ["a secret in a list of texts", { method: "x/unknown", params: { cookie: [SECRET] } }],
  ["a credential", { id: 4, result: { headers: { Authorization: `Bearer ${SECRET}` }, queryParams: { key: SECRET } } }, "auth/credential"],
];

for (const [what, message, answers] of TABLE) {
  test(`${what} is hidden`, () => {
    const copy = JSON.stringify(redactMessage(message, answers));
    assert.ok(!copy.includes(SECRET), copy);
    assert.ok(copy.includes(HIDDEN), copy);
  });
}

test("the message itself is left as it was", () => {
  const message = { method: "auth/login", params: { method: "apiKey", apiKey: SECRET } };
  redactMessage(message);
  assert.equal(message.params.apiKey, SECRET);
});

test("what is no secret stays readable", () => {
  const message = { id: 1, method: "auth/login", params: { method: "browser", attemptId: "a-1" } };
  assert.deepEqual(redactMessage(message), message);
});

test("words that stand under the names of secrets stay readable", () => {
  const message = { method: "auth/statusChanged", params: { status: { state: "signedOut" }, code: "clockSkew", count: 3 } };
  assert.deepEqual(redactMessage(message), message);
  const error = { id: 1, error: { code: -32803, message: "no", data: { kind: "apiKeyInvalid" } } };
  assert.deepEqual(redactMessage(error), error);
});

test("odd messages do no harm", () => {
  for (const odd of [null, 1, "text", [], { method: "auth/login" }, { method: "auth/login", params: [1] }, { method: 7, params: null }]) {
    assert.deepEqual(redactMessage(odd), odd);
  }
});

for (const [text, expected] of [
  ["see https://auth.example.com/authorize?state=abc&code=def now", `see https://auth.example.com/authorize?${HIDDEN} now`],
  ["GET http://127.0.0.1:1455/auth/callback#code=abc", `GET http://127.0.0.1:1455/auth/callback?${HIDDEN}`],
  ["token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0 end", `token ${HIDDEN} end`],
  ["key sk-proj-0123456789 end", `key ${HIDDEN} end`],
  ["Authorization: Bearer abc.def", `Authorization: ${HIDDEN}`],
  ["Authorization: opaque-value", `Authorization: ${HIDDEN}`],
  ["proxy Bearer abc.def end", `proxy Bearer ${HIDDEN} end`],
  ["tokens rt.1.AAAAAAAA, rt_AAAAAAAA, ac_AAAAAAAA end", `tokens ${HIDDEN}, ${HIDDEN}, ${HIDDEN} end`],
  ['{"refresh_token":"an-opaque-one","x":1}', `{"refresh_token":"${HIDDEN}","x":1}`],
  ['{"accessToken": "an-opaque-one", "idToken":"another-one"}', `{"accessToken": "${HIDDEN}", "idToken":"${HIDDEN}"}`],
  ["{'user_code': 'AB12', 'device_auth_id': 'x-1'}", `{'user_code': '${HIDDEN}', 'device_auth_id': '${HIDDEN}'}`],
  ['{\\"access_token\\":\\"an-opaque-one\\",\\"x\\":1}', `{\\"access_token\\":\\"${HIDDEN}\\",\\"x\\":1}`],
  ["x-api-key: opaque-value", `x-api-key: ${HIDDEN}`],
  ["Cookie: session=opaque; other=opaque", `Cookie: ${HIDDEN}`],
  ["client_secret=opaque&x=1", `client_secret=${HIDDEN}&x=1`],
  ['{"code":"Zm9v-1","state":"c3Rh_dGU","kind":"x"}', `{"code":"${HIDDEN}","state":"${HIDDEN}","kind":"x"}`],
  ['{"state":"signedOut","code":"clockSkew"}', '{"state":"signedOut","code":"clockSkew"}'],
  ["enter ABCD-12345 or WXYZ-ABCD there", `enter ${HIDDEN} or ${HIDDEN} there`],
  ["on 2026-1126 at RFC-8628 and UTF-8", "on 2026-1126 at RFC-8628 and UTF-8"],
  ["proxy http://someone:opaque@proxy.example:8080/", `proxy http://${HIDDEN}@proxy.example:8080/`],
  ["open //auth.example.com/x?state=abc", `open //auth.example.com/x?${HIDDEN}`],
  ["open vscode://an.extension/x?code=abc", `open vscode://an.extension/x?${HIDDEN}`],
  ["nested code%3Dabc", `nested code%3D${HIDDEN}`],
  ["failed with code: -32803", "failed with code: -32803"],
  ["body code=abc&grant_type=x", `body code=${HIDDEN}&grant_type=x`],
  ["an ordinary line about ~/.codex", "an ordinary line about ~/.codex"],
  ["Authorization: Token opaque-value", `Authorization: ${HIDDEN}`],
  ["{'Authorization': 'Token opaque-value', 'x': 1}", `{'Authorization': '${HIDDEN}', 'x': 1}`],
  ['{"cookie":"a=opaque; b=opaque","x":1}', `{"cookie":"${HIDDEN}","x":1}`],
  ["body token=opaque&password=opaque;x", `body token=${HIDDEN}&password=${HIDDEN}`],
  ['{"password": "opaque one", "token":"opaque"}', `{"password": "${HIDDEN}", "token":"${HIDDEN}"}`],
  ["see https://auth.example.com/x?a='opaque&b=\"opaque now", `see https://auth.example.com/x?${HIDDEN} now`],
  ['{"url":"https://auth.example.com/x?a=b","kind":"x"}', `{"url":"https://auth.example.com/x?${HIDDEN}","kind":"x"}`],
  ["http://someone:op@que@proxy.example:8080/", `http://${HIDDEN}@proxy.example:8080/`],
  ["at 100%25 of https%3A%2F%2Fauth.example.com%2Fx", "at 100%25 of https%3A%2F%2Fauth.example.com%2Fx"],
  ["C:\\Users\\someone and \\\"a word\\\"", "C:\\Users\\someone and \\\"a word\\\""],
] as const) {
  test(`text: ${text}`, () => {
    assert.equal(redactText(text), expected);
  });
}

for (const text of [
  `The address http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback%3Fcode%3D${SECRET}%26state%3D${SECRET} is another one`,
  `next http%253A%252F%252Flocalhost%253A1455%252Fcallback%253Fcode%253D${SECRET}`,
  `next=%2Fcallback%3Fcode%3D${SECRET}`,
  `{"code":"${SECRET}"}`,
  `"{\\"code\\":\\"${SECRET}\\",\\"x\\":1}"`,
  `"{\\"Authorization\\":\\"Token ${SECRET}\\"}"`,
  `Authorization%3A%20Bearer%20${SECRET}`,
  `%7B%22refresh_token%22%3A%22${SECRET}%22%7D`,
]) {
  test(`a secret is found in what wraps it: ${text}`, () => {
    const redacted = redactText(text);
    assert.ok(!redacted.includes(SECRET), redacted);
    assert.ok(redacted.includes(HIDDEN), redacted);
  });
}

for (const part of ["/", "//x", "a.", "1-", "eyJ-", "?", "://", "Authorization ", "%25", "\\", "code"]) {
  test(`a long text of ${JSON.stringify(part)} is cut, and searched in a moment`, () => {
    const redacted = redactText(part.repeat(1_000_000));
    assert.ok(redacted.length < 100_000);
    assert.ok(redacted.endsWith("… [cut]"));
    assert.ok(!redactText(`token=${SECRET} ${part.repeat(10_000)}`).includes(SECRET));
  });
}
