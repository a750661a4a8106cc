// The log that a person can open. Every line is redacted on its way in, whoever writes it:
// this extension, the server's stderr, or the client library with what the server sends it.

import { EventEmitter, LogLevel, window, type LogOutputChannel } from "vscode";
import { redactText } from "./redact";

export function openLog(): LogOutputChannel {
  const channel = window.createOutputChannel("Codex Sign-In", { log: true });
  const redacted = (write: (line: string) => void): PropertyDescriptor => ({
    value: (line: string | Error) => { write(redactText(String(line))); },
  });
  return Object.create(channel, {
    trace: redacted((line) => { channel.trace(line); }),
    debug: redacted((line) => { channel.debug(line); }),
    info: redacted((line) => { channel.info(line); }),
    warn: redacted((line) => { channel.warn(line); }),
    error: redacted((line) => { channel.error(line); }),
    append: redacted((line) => { channel.append(line); }),
    appendLine: redacted((line) => { channel.appendLine(line); }),
  }) as LogOutputChannel;
}

/** The same log for the client library, whose own trace stays off: it knows no secret fields. */
export function withoutTrace(log: LogOutputChannel): LogOutputChannel {
  return Object.create(log, {
    logLevel: { value: LogLevel.Info },
    onDidChangeLogLevel: { value: new EventEmitter<LogLevel>().event },
  }) as LogOutputChannel;
}
