// The connection to the language server: found, started, watched, started again when it crashes.
// Each start makes a new session, since a LanguageClient that has failed can never be used again.

import { EventEmitter, type CancellationToken, type Disposable, type LogOutputChannel } from "vscode";
import { serverSettings } from "./ownSettings";
import type { Connection } from "./presentStatus";
import type * as protocol from "./protocol";
import { findServer, startFailure, type ServerSearch } from "./serverCommand";
import { thisMachine } from "./serverProcess";
import { OtherVersion, Session } from "./session";
import { isFromAnotherProcess, laterStatus } from "./statusTracker";

/** Milliseconds to wait before each start after a crash; when they are used up, the person decides. */
const RESTART_DELAYS = [500, 2000, 8000];

/** Milliseconds after which a server counts as healthy and its earlier crashes are forgotten. */
const HEALTHY_AFTER = 60_000;

/** The server could not be started, in a sentence fit to show. */
export class ServerUnavailable extends Error {
  constructor(
    message: string,
    readonly reason: "notInstalled" | "insideWorkspace" | "settingInvalid" | "serverTooOld" | "serverTooNew" | "startFailed",
  ) {
    super(message);
  }
}

export class AuthClient implements Disposable {
  readonly #log: LogOutputChannel;
  readonly #changed = new EventEmitter<undefined>();
  readonly #prompted = new EventEmitter<protocol.LoginPromptParams>();
  readonly #progressed = new EventEmitter<protocol.LoginProgressParams>();
  readonly #completed = new EventEmitter<protocol.LoginCompletedParams>();
  readonly #noticed = new EventEmitter<protocol.NoticeParams>();
  readonly #gaveUp = new EventEmitter<ServerUnavailable>();
  readonly #signal = new AbortController();
  #backOff = new AbortController();
  #session: Session | undefined;
  #starting: Promise<void> | undefined;
  #status: protocol.AuthStatus | undefined;
  #connection: Connection = "starting";
  #failure: string | undefined;
  #crashes = 0;

  /** The status or the connection has changed. */
  readonly onDidChange = this.#changed.event;
  readonly onPrompt = this.#prompted.event;
  readonly onProgress = this.#progressed.event;
  readonly onCompleted = this.#completed.event;
  readonly onNotice = this.#noticed.event;
  /** The server has ended again and again and is not started any more by itself. */
  readonly onGiveUp = this.#gaveUp.event;

  constructor(log: LogOutputChannel) {
    this.#log = log;
  }

  get status(): protocol.AuthStatus | undefined {
    return this.#status;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Why there is no server, while there is none. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether the server that runs has this way of signing in. */
  offers(method: protocol.LoginMethodId): boolean {
    return this.#session?.offers(method) ?? false;
  }

  /** Starts the server unless it runs; rejects with `ServerUnavailable`. */
  start(): Promise<void> {
    if (this.#starting === undefined && this.#session?.isRunning()) return Promise.resolve();
    this.#starting ??= this.#open().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async restart(): Promise<void> {
    this.#backOff.abort();
    await this.#starting?.catch(() => undefined);
    this.#show("starting", undefined);
    await this.#close();
    this.#crashes = 0;
    await this.start();
  }

  async stop(): Promise<void> {
    this.#signal.abort();
    this.#backOff.abort();
    await this.#starting?.catch(() => undefined);
    await this.#close();
  }

  /** Whether the server that runs answers a request; those of an older one may be fewer. */
  answers(method: keyof protocol.Requests): boolean {
    return this.#session?.answers(method) ?? false;
  }

  async request<Method extends keyof protocol.Requests>(
    method: Method,
    params: protocol.Requests[Method]["params"],
    token?: CancellationToken,
  ): Promise<protocol.Requests[Method]["result"]> {
    await this.start();
    if (this.#session === undefined) throw new ServerUnavailable("The Codex sign-in server is not running.", "startFailed");
    return this.#session.request(method, params, token);
  }

  dispose(): void {
    void this.stop();
    for (const emitter of [this.#changed, this.#prompted, this.#progressed, this.#completed, this.#noticed, this.#gaveUp]) {
      emitter.dispose();
    }
  }

  async #open(): Promise<void> {
    this.#show("starting", undefined);
    const search = findServer(serverSettings(), thisMachine());
    if (!search.found) throw this.#notFound(search);
    const session = new Session(search.command, this.#log, () => { void this.#onClosed(session); });
    this.#session = session;
    this.#listen(session);
    try {
      this.#adopt(await session.start());
    } catch (error) {
      this.#session = undefined;
      const unavailable = await this.#notStarted(session, search.command.program, error);
      void session.end(); // one that hangs takes long to end, and has nothing to store
      this.#show("stopped", undefined, unavailable.message);
      throw unavailable;
    }
  }

  async #notStarted(session: Session, program: string, error: unknown): Promise<ServerUnavailable> {
    if (error instanceof OtherVersion) return new ServerUnavailable(error.message, error.isNewer ? "serverTooNew" : "serverTooOld");
    const why = (await session.ending()) ?? (error instanceof Error ? error.message : "it did not answer");
    return new ServerUnavailable(startFailure(program, why), "startFailed");
  }

  #notFound(search: Extract<ServerSearch, { found: false }>): ServerUnavailable {
    this.#show("missing", undefined, search.message);
    this.#log.warn(search.message);
    return new ServerUnavailable(search.message, search.reason);
  }

  /** A server that was given up, as one of another version, may still talk until it has ended. */
  #listen(session: Session): void {
    const meanwhile = <Params>(receive: (params: Params) => void) => (params: Params) => {
      if (this.#session === session) receive(params);
    };
    session.onNotification("auth/statusChanged", meanwhile(({ status }) => {
      const stranger = this.#status !== undefined && isFromAnotherProcess(this.#status, status);
      this.#adopt(status);
      if (stranger) void this.#ask(session);
    }));
    session.onNotification("auth/loginPrompt", meanwhile((prompt) => { this.#prompted.fire(prompt); }));
    session.onNotification("auth/loginProgress", meanwhile((progress) => { this.#progressed.fire(progress); }));
    session.onNotification("auth/loginCompleted", meanwhile((completed) => { this.#completed.fire(completed); }));
    session.onNotification("auth/notice", meanwhile((notice) => { this.#noticed.fire(notice); }));
  }

  async #ask(session: Session): Promise<void> {
    try {
      this.#adopt(await session.request("auth/status", {}));
    } catch (error) {
      this.#log.warn(`The status could not be read: ${String(error)}`);
    }
  }

  #adopt(status: protocol.AuthStatus): void {
    this.#show("running", laterStatus(this.#status, status));
  }

  async #onClosed(session: Session): Promise<void> {
    if (this.#session !== session || this.#starting !== undefined) return; // `#open` reports its own failure
    this.#session = undefined;
    if (session.age() > HEALTHY_AFTER) this.#crashes = 0;
    this.#show("starting", undefined);
    const { signal } = (this.#backOff = new AbortController());
    const why = (await session.ending()) ?? "it stopped talking";
    await session.end();
    await this.#startAgain(new ServerUnavailable(`The Codex sign-in server keeps ending. The last time ${why}.`, "startFailed"), signal);
  }

  /** A start that fails counts as a crash: the program may be away for a moment, as in an update. */
  async #startAgain(failure: ServerUnavailable, signal: AbortSignal): Promise<void> {
    const delay = RESTART_DELAYS[this.#crashes++];
    if (!(await pause(delay ?? 0, signal)) || this.#isOpen()) return;
    if (delay === undefined) {
      if (this.#connection === "starting") this.#show("stopped", undefined, failure.message);
      this.#gaveUp.fire(failure);
      return;
    }
    try {
      await this.start();
    } catch (error) {
      if (!signal.aborted) await this.#startAgain(error instanceof ServerUnavailable ? error : failure, signal);
    }
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.end();
  }

  #isOpen(): boolean {
    return this.#session !== undefined;
  }

  #show(connection: Connection, status: protocol.AuthStatus | undefined, failure?: string): void {
    this.#connection = connection;
    this.#failure = failure;
    this.#status = status;
    if (!this.#signal.signal.aborted) this.#changed.fire(undefined);
  }
}

/** Resolves to whether the time has passed; a signal cuts it short. */
function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => { resolve(!signal.aborted); }, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(false);
    }, { once: true });
  });
}
