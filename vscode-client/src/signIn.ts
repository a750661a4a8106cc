// Signing in: which way, how it goes, how it ended. What it asks meanwhile is `waiting.ts`'s.

import { randomUUID } from "node:crypto";
import { env, ProgressLocation, UIKind, window } from "vscode";
import type { CancellationToken, Disposable, Progress } from "vscode";
import type { AuthClient } from "./client";
import { offer, openPage, showFailure } from "./messages";
import { chooseMethod, type KnownMethod } from "./methodChoice";
import type { Link, LoginMethodId, LoginProgressParams, LoginResult } from "./protocol";
import { isPage, literal } from "./remediation";
import { askForSecret } from "./secretBox";
import { Waiting } from "./waiting";
import { timeLeft, waitingLine } from "./waitingText";

const API_KEYS = { title: "Open the page where API keys are made", url: "https://platform.openai.com/api-keys" };
const PRICING = { title: "Open the prices of the API", url: "https://openai.com/api/pricing/" };

/** Milliseconds between looks at the clock; the line is drawn anew only when its words change. */
const CLOCK_LOOK = 1000;

export class SignIn implements Disposable {
  readonly waiting: Waiting;
  readonly #client: AuthClient;

  constructor(client: AuthClient) {
    this.#client = client;
    this.waiting = new Waiting(client, (method) => this.with(method));
  }

  /**
   * The way that the server recommends here; in a remote window the one that the person chooses.
   * Resolves to whether somebody has signed in by it.
   */
  async start(): Promise<boolean> {
    let method: LoginMethodId | undefined;
    try {
      method = await this.#choose();
    } catch (error) {
      return retried(error, () => this.start());
    }
    return method !== undefined && this.with(method);
  }

  with(method: LoginMethodId): Promise<boolean> {
    return method === "apiKey" ? this.#withApiKey() : this.#withPrompt(method);
  }

  dispose(): void {
    this.waiting.dispose();
  }

  async #choose(): Promise<LoginMethodId | undefined> {
    await this.#client.start();
    if (!this.#client.answers("auth/methods")) return "browser";
    const { methods } = await this.#client.request("auth/methods", {});
    const choice = chooseMethod(methods, env.remoteName !== undefined || env.uiKind === UIKind.Web);
    switch (choice.kind) {
      case "use":
        return choice.method;
      case "ask":
        return askForMethod(choice.methods);
      case "none":
        throw new Error(choice.message);
    }
  }

  async #withApiKey(): Promise<boolean> {
    const apiKey = await askForSecret({
      title: "Codex: Sign In with API Key",
      prompt: `Paste an API key from ${API_KEYS.url}. Its use is billed at API rates.`,
      placeholder: "sk-…",
      whenEmpty: "Paste the key first.",
      links: [API_KEYS, PRICING],
    });
    if (apiKey === undefined) return false;
    const login = (): Thenable<LoginResult> => this.#client.request("auth/login", { method: "apiKey", apiKey });
    return this.#toItsEnd(
      () => window.withProgress({ location: ProgressLocation.Window, title: "Codex: Sign In" }, login),
      () => this.#withApiKey(),
    );
  }

  #withPrompt(method: LoginMethodId): Promise<boolean> {
    const options = { location: ProgressLocation.Notification, title: "Codex", cancellable: true };
    return this.#toItsEnd(
      () => window.withProgress(options, (progress, token) => this.#login(method, progress, token)),
      () => this.with(method),
    );
  }

  async #toItsEnd(login: () => Thenable<LoginResult>, retry: () => Promise<boolean>): Promise<boolean> {
    let result: LoginResult;
    try {
      result = await login();
    } catch (error) {
      return retried(error, retry);
    }
    // Not awaited: the message may stand for long.
    void offer(window.showInformationMessage, result.message, result.links.filter(({ url }) => isPage(url)).map(toButton)).catch(showFailure);
    return true;
  }

  async #login(method: LoginMethodId, progress: Progress<{ message: string }>, token: CancellationToken): Promise<LoginResult> {
    const attemptId = randomUUID();
    let step: LoginProgressParams | undefined;
    let shown: string | undefined;
    const draw = (): void => {
      const line = step === undefined ? undefined : this.#line(step);
      if (line !== undefined && line !== shown) progress.report({ message: line });
      shown = line;
    };
    const listeners = [
      this.#client.onPrompt(draw),
      this.#client.onProgress((next) => {
        if (next.attemptId === attemptId) step = next;
        draw();
      }),
    ];
    const clock = setInterval(draw, CLOCK_LOOK);
    this.waiting.begin(attemptId);
    try {
      return await this.#client.request("auth/login", { method, attemptId }, token);
    } finally {
      clearInterval(clock);
      for (const listener of listeners) listener.dispose();
      this.waiting.forget(attemptId);
    }
  }

  #line({ attemptId, phase, message }: LoginProgressParams): string {
    const prompt = this.waiting.promptOf(attemptId);
    if (phase !== "waitingForUser" || prompt === undefined) return literal(message);
    const left = prompt.kind === "deviceCode" ? timeLeft(prompt.expiresAt, Date.now()) : undefined;
    return waitingLine(message, left, this.waiting.actions(prompt));
  }
}

async function askForMethod(methods: readonly KnownMethod[]): Promise<LoginMethodId | undefined> {
  const items = methods.map(({ id, title, description, recommended }) => ({
    id,
    label: title,
    description: recommended ? "recommended here" : "",
    detail: description,
  }));
  const chosen = await window.showQuickPick(items, {
    title: "Codex: Sign In",
    placeHolder: "This window runs on another machine. Choose how to sign in",
    ignoreFocusOut: true,
  });
  return chosen?.id;
}

/** Tells of a failure; resolves to whether another try, where the person makes one, signed them in. */
async function retried(error: unknown, again: () => Promise<boolean>): Promise<boolean> {
  let signedIn = false;
  await showFailure(error, async () => { signedIn = await again(); });
  return signedIn;
}

function toButton({ title, url }: Link): { title: string; run: () => unknown } {
  return { title, run: () => openPage(url) };
}
