// The trace of the conversation with the server, redacted before it is written.
// vscode-languageclient's own trace prints bodies as they are, so it stays off and this one
// listens at the transport, where the method of every message is still known.

import type { Message, MessageReader, MessageTransports, MessageWriter } from "vscode-languageclient/node";
import { redactMessage } from "./redact";

export interface TraceSink {
  /** Asked for every message, since the level of the log can change at any time. */
  isOn(): boolean;
  write(line: string): void;
}

interface Envelope {
  id?: number | string | null;
  method?: string;
  error?: { code: number };
}

const SENT = "-->";
const RECEIVED = "<--";

export function traced(transports: MessageTransports, sink: TraceSink): MessageTransports {
  const asked = new Map<number | string, string>();
  const note = (arrow: string, message: Message): void => {
    const { id, method } = message as Envelope;
    const answers = method === undefined && id != null ? asked.get(id) : undefined;
    if (arrow === SENT && method !== undefined && id != null) asked.set(id, method);
    if (arrow === RECEIVED && method === undefined && id != null) asked.delete(id);
    if (sink.isOn()) sink.write(describe(arrow, message as Envelope, answers));
  };
  return {
    ...transports,
    reader: tracedReader(transports.reader, (message) => { note(RECEIVED, message); }),
    writer: tracedWriter(transports.writer, (message) => { note(SENT, message); }),
  };
}

function describe(arrow: string, envelope: Envelope, answers: string | undefined): string {
  const outcome = envelope.error ? `error ${envelope.error.code}` : "answer";
  const what = envelope.method ?? `${outcome}${answers === undefined ? "" : ` to ${answers}`}`;
  const id = envelope.id == null ? "" : ` (${envelope.id})`;
  return `${arrow} ${what}${id} ${JSON.stringify(redactMessage(envelope, answers))}`;
}

function tracedReader(reader: MessageReader, note: (message: Message) => void): MessageReader {
  return {
    onError: reader.onError,
    onClose: reader.onClose,
    onPartialMessage: reader.onPartialMessage,
    listen: (callback) =>
      reader.listen((message) => {
        note(message);
        callback(message);
      }),
    dispose: () => { reader.dispose(); },
  };
}

function tracedWriter(writer: MessageWriter, note: (message: Message) => void): MessageWriter {
  return {
    onError: writer.onError,
    onClose: writer.onClose,
    write: (message) => {
      note(message);
      return writer.write(message);
    },
    end: () => { writer.end(); },
    dispose: () => { writer.dispose(); },
  };
}
