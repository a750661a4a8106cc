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
import { isAccountsMenuOn } from "./accountsMenu";
import { environmentOf } from "./environment";
import { withoutTrace } from "./log";
import * as protocol from "./protocol";
import { redactText } from "./redact";
import { shortened } from "./remediation";
import type { ServerCommand } from "./serverCommand";
import { showLiterally } from "./serverMessages";
import { closed, ended, launch, type ServerProcess } from "./serverProcess";
import { traced } from "./trace";

/** Milliseconds until a server must have told its status; a cold start on a slow disk takes some. */
const START_DEADLINE = 20_000;

/** Milliseconds for a server that could not be talked to to be gone, with all that it said. */
const LAST_WORDS_DEADLINE = 1000;

/** Characters of a server's last line of stderr that a message about its end has. */
const LAST_WORDS_LIMIT = 200;

/** The server speaks a version of the protocol that this extension does not. */
export class OtherVersion extends Error {
  readonly isNewer: boolean;

  constructor(version: unknown) {
    const isNewer = typeof version === "number" && version > protocol.PROTOCOL_VERSION;
    const older = isNewer ? "this extension" : "the server";
    super(`The Codex sign-in server speaks another version of the protocol than this extension, which speaks version ${protocol.PROTOCOL_VERSION}. Update ${older}.`);
    this.isNewer = isNewer;
  }
}

export class Session {
  readonly #client: LanguageClient;
  readonly #started = Date.now();
  #process: ServerProcess | undefined;
  #closed: Promise<void> | undefined;
  #lastWords = "";
  #capabilities: Partial<protocol.ServerAuthCapabilities> = {};

  constructor(command: ServerCommand, log: LogOutputChannel, onClosed: () => void) {
    const connect = async (): Promise<MessageTransports> => {
      this.#process = await launch(command, log, (line) => { this.#lastWords = line; });
      const { stdin, stdout } = this.#process;
      this.#closed = closed(this.#process);
      const transports = { reader: new StreamMessageReader(stdout), writer: new StreamMessageWriter(stdin) };
      return traced(transports, {
        isOn: () => log.logLevel === LogLevel.Trace,
        write: (line) => { log.trace(line); },
      });
    };
    this.#client = new QuietLanguageClient("codexAuth", "Codex", connect, clientOptions(log, onClosed));
    this.#client.registerFeature(authCapabilities());
    showLiterally(this.#client);
  }

  /** Starts the server and returns its first status. */
  start(): Promise<protocol.AuthStatus> {
    return withDeadline(this.#begin(), START_DEADLINE);
  }

  async #begin(): Promise<protocol.AuthStatus> {
    await this.#client.start();
    const { capabilities } = this.#client.initializeResult ?? { capabilities: {} };
    const { auth } = (capabilities.experimental ?? {}) as { auth?: Partial<protocol.ServerAuthCapabilities> };
    if (auth === undefined) throw new Error("it is a language server, but not one for Codex sign-in");
    const version: unknown = auth.protocolVersion ?? protocol.PROTOCOL_VERSION;
    if (version !== protocol.PROTOCOL_VERSION) throw new OtherVersion(version);
    this.#capabilities = auth;
    return this.request("auth/status", {});
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

  /** How the process ended by itself, in words, with its last one; nothing while it runs. */
  async ending(): Promise<string | undefined> {
    if (this.#process === undefined) return undefined;
    await Promise.race([this.#closed, pause(LAST_WORDS_DEADLINE)]);
    const { exitCode, signalCode } = this.#process;
    if (signalCode !== null) return `it was ended by ${signalCode}`;
    if (exitCode === null) return undefined;
    const said = shortened(redactText(this.#lastWords).trim(), LAST_WORDS_LIMIT);
    return `it ended with status ${exitCode}${said === "" ? " and said nothing" : `: ${said}`}`;
  }

  age(): number {
    return Date.now() - this.#started;
  }

  async end(): Promise<void> {
    // A client that did not get to run refuses to stop; its process is ended all the same.
    if (this.#client.isRunning()) await this.#client.stop().catch(() => undefined);
    if (this.#process !== undefined) await ended(this.#process);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
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
        ...(isAccountsMenuOn() ? { credential: true } : {}),
        ...environmentOf(env.remoteName, env.uiKind === UIKind.Web),
      };
      capabilities.experimental = { ...(capabilities.experimental as object | undefined), auth };
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  };
}

async function withDeadline<Result>(work: Promise<Result>, milliseconds: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => { reject(new Error(`it did not answer within ${milliseconds / 1000} seconds`)); }, milliseconds);
  });
  return Promise.race([work, deadline]).finally(() => { clearTimeout(timer); });
}
