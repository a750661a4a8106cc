import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { StreamMessageReader, StreamMessageWriter, type Message } from "vscode-languageserver-protocol/node";
import { traced } from "../../src/trace";

/** Sends a request, lets the other side answer it, and returns what was traced. */
async function exchange(isOn: boolean, request: object, response: object): Promise<string[]> {
  const lines: string[] = [];
  const [toServer, fromServer] = [new PassThrough(), new PassThrough()];
  const transports = traced(
    { reader: new StreamMessageReader(fromServer), writer: new StreamMessageWriter(toServer) },
    { isOn: () => isOn, write: (line) => lines.push(line) },
  );
  const answered = new Promise<Message>((resolve) => transports.reader.listen(resolve));
  await transports.writer.write({ jsonrpc: "2.0", ...request });
  await new StreamMessageWriter(fromServer).write({ jsonrpc: "2.0", ...response });
  assert.deepEqual(await answered, { jsonrpc: "2.0", ...response });
  return lines;
}

const ASK = { id: 3, method: "auth/credential", params: {} };
const ANSWER = { id: 3, result: { headers: { Authorization: "Bearer secret" } } };

test("one line for each message, redacted, the answer to a request by its method", async () => {
  assert.deepEqual(await exchange(true, ASK, ANSWER), [
    '--> auth/credential (3) {"jsonrpc":"2.0","id":3,"method":"auth/credential","params":{}}',
    '<-- answer to auth/credential (3) {"jsonrpc":"2.0","id":3,"result":"[hidden]"}',
  ]);
});

test("an error is told with its code", async () => {
  const failure = { id: 3, error: { code: -32803, message: "no" } };
  assert.match((await exchange(true, ASK, failure))[1] ?? "", /^<-- error -32803 to auth\/credential \(3\) \{/);
});

test("nothing is written while the trace is off", async () => {
  assert.deepEqual(await exchange(false, ASK, ANSWER), []);
});
