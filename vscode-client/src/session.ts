// One server process with the client that talks to it, from the spawn to the end of the process.

import { env, LogLevel, UIKind, type CancellationToken, type LogOutputChannel } from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageclient/node";
import type { LanguageClientOptions, MessageTransports, StaticFeature } from "vscode-languageclient/node";
import { environmentOf } from "./environment";
import { withoutTrace } from "./log";
import * as protocol from "./protocol";
import type { ServerCommand } from "./serverCommand";
import { ended, launch, type ServerProcess } from "./serverProcess";
import { traced } from "./trace";

/** Milliseconds that a server may take to answer `initialize`; a cold start on a slow disk takes some. */
const START_DEADLINE = 20_000;

export class Session {
  readonly #client: LanguageClient;
  readonly #started = Date.now();
  #process: ServerProcess | undefined;
  #capabilities: Partial<protocol.ServerAuthCapabilities> = {};

  constructor(command: ServerCommand, log: LogOutputChannel, closed: () => void) {
    const connect = async (): Promise<MessageTransports> => {
      this.#process = await launch(command, log);
      const transports = {
        reader: new StreamMessageReader(this.#process.stdout),
        writer: new StreamMessageWriter(this.#process.stdin),
      };
      return traced(transports, {
        isOn: () => log.logLevel === LogLevel.Trace,
        write: (line) => { log.trace(line); },
      });
    };
    this.#client = new QuietLanguageClient("codexAuth", "Codex", connect, clientOptions(log, closed));
    this.#client.registerFeature(authCapabilities());
  }

  async start(): Promise<void> {
    await withDeadline(this.#client.start(), START_DEADLINE);
    const { capabilities } = this.#client.initializeResult ?? { capabilities: {} };
    const { auth } = (capabilities.experimental ?? {}) as { auth?: Partial<protocol.ServerAuthCapabilities> };
    if (auth === undefined) throw new Error("it is a language server, but not one for Codex sign-in");
    const version = auth.protocolVersion ?? protocol.PROTOCOL_VERSION;
    if (version !== protocol.PROTOCOL_VERSION) {
      throw new Error(`it speaks version ${version} of the protocol, and this extension version ${protocol.PROTOCOL_VERSION}`);
    }
    this.#capabilities = auth;
  }

  isRunning(): boolean {
    return this.#client.isRunning();
  }

  /** Whether the server has this way of signing in, as far as it has said. */
  offers(method: protocol.LoginMethodId): boolean {
    return this.#capabilities.loginMethods?.includes(method) ?? true;
  }

  answers(method: keyof protocol.Requests): boolean {
    return this.#capabilities.requests?.includes(method) ?? false;
  }

  request<Method extends keyof protocol.Requests>(
    method: Method,
    params: protocol.Requests[Method]["params"],
    token?: CancellationToken,
  ): Promise<protocol.Requests[Method]["result"]> {
    return token === undefined ? this.#client.sendRequest(method, params) : this.#client.sendRequest(method, params, token);
  }

  onNotification<Method extends keyof protocol.Notifications>(
    method: Method,
    receive: (params: protocol.Notifications[Method]) => void,
  ): void {
    this.#client.onNotification(method, receive);
  }

  /** How the process ended by itself, in words; nothing while it runs. */
  ending(): string | undefined {
    const { exitCode, signalCode } = this.#process ?? { exitCode: null, signalCode: null };
    if (signalCode !== null) return `it was ended by ${signalCode}`;
    return exitCode === null ? undefined : `it ended with status ${exitCode}; the log has what it said`;
  }

  age(): number {
    return Date.now() - this.#started;
  }

  async end(): Promise<void> {
    // A client that did not get to run refuses to stop; its process is ended all the same.
    await this.#client.stop().catch(() => undefined);
    if (this.#process !== undefined) await ended(this.#process);
  }
}

/** Failures are told by the commands, in one message with an action; the library's own go to the log. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function clientOptions(log: LogOutputChannel, closed: () => void): LanguageClientOptions {
  return {
    documentSelector: [],
    outputChannel: withoutTrace(log),
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        closed();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
  };
}

function authCapabilities(): StaticFeature {
  return {
    fillClientCapabilities: (capabilities) => {
      const auth: protocol.ClientAuthCapabilities = {
        protocolVersion: protocol.PROTOCOL_VERSION,
        loginPrompt: true,
        ...environmentOf(env.remoteName, env.uiKind === UIKind.Web),
      };
      capabilities.experimental = { ...(capabilities.experimental as object | undefined), auth };
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  };
}

async function withDeadline(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => { reject(new Error(`it did not answer within ${milliseconds / 1000} seconds`)); }, milliseconds);
  });
  await Promise.race([work, deadline]).finally(() => { clearTimeout(timer); });
}
