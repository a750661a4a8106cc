// The sign-in that waits for the person: what it asks of them, and what they can do about it.
// What a prompt carries is kept in memory while its attempt runs, and nowhere else.

import { commands, env, UIKind, Uri, window, type Disposable, type MessageItem } from "vscode";
import type { AuthClient } from "./client";
import { copyText } from "./clipboard";
import { canComeBack, environmentOf } from "./environment";
import { failureText, offer, showFailure } from "./messages";
import { isSafePrompt } from "./promptCheck";
import type { LoginPromptParams } from "./protocol";
import { askForSecret } from "./secretBox";
import { timeLeft, WAITING_COMMANDS, waitingActions, type WaitingAction } from "./waitingText";

const COPY_CODE_AND_OPEN: MessageItem = { title: "Copy Code and Open" };
const COPY_CODE: MessageItem = { title: "Copy Code" };
const CLOSE: MessageItem = { title: "Close", isCloseAffordance: true };

export class Waiting implements Disposable {
  readonly #client: AuthClient;
  readonly #signInAgain: (method: "browser" | "deviceCode") => Promise<unknown>;
  readonly #begun = new Set<string>();
  readonly #prompts = new Map<string, LoginPromptParams>();
  readonly #disposables: Disposable[];

  constructor(client: AuthClient, signInAgain: (method: "browser" | "deviceCode") => Promise<unknown>) {
    this.#client = client;
    this.#signInAgain = signInAgain;
    this.#disposables = [
      client.onPrompt((prompt) => { this.#receive(prompt); }),
      client.onCompleted(({ attemptId }) => { this.#prompts.delete(attemptId); }),
      client.onDidChange(() => { if (client.connection !== "running") this.#prompts.clear(); }),
      ...Object.entries(WAITING_COMMANDS).map(([action, id]) =>
        commands.registerCommand(id, () => this.run(action as WaitingAction)),
      ),
    ];
  }

  /** What the sign-in that is waiting now has asked of the person. */
  get prompt(): LoginPromptParams | undefined {
    const attemptId = this.#client.status?.pendingLogin?.attemptId;
    return attemptId === undefined ? undefined : this.promptOf(attemptId);
  }

  promptOf(attemptId: string): LoginPromptParams | undefined {
    return this.#prompts.get(attemptId);
  }

  /** Only the prompts of attempts that were begun here are obeyed. */
  begin(attemptId: string): void {
    this.#begun.add(attemptId);
  }

  forget(attemptId: string): void {
    this.#begun.delete(attemptId);
    this.#prompts.delete(attemptId);
  }

  actions(prompt: LoginPromptParams): WaitingAction[] {
    return waitingActions(prompt, {
      deviceCode: this.#client.offers("deviceCode"),
      callback: this.#client.answers("auth/submitCallback"),
    });
  }

  /** Does one of the actions for the sign-in that is waiting now. */
  async run(action: WaitingAction): Promise<void> {
    const { prompt } = this;
    if (prompt === undefined) await this.#tellItEnded();
    else await this.#do(action, prompt).catch((error: unknown) => showFailure(error));
  }

  async cancel(attemptId?: string): Promise<void> {
    const params = attemptId === undefined ? {} : { attemptId };
    await this.#client.request("auth/cancelLogin", params).catch((error: unknown) => showFailure(error));
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
    this.#prompts.clear();
  }

  #do(action: WaitingAction, prompt: LoginPromptParams): Promise<unknown> {
    switch (action) {
      case "copyLink":
        return copyText(prompt.url, "The sign-in link");
      case "openAgain":
        return this.#openAgain(prompt);
      case "showCode":
        return this.#presentCode(prompt, [CLOSE]);
      case "useDeviceCode":
        return this.#signInAgain("deviceCode");
      case "pasteCallback":
        return this.#pasteCallback(prompt);
    }
  }

  #receive(prompt: LoginPromptParams): void {
    if (!this.#begun.has(prompt.attemptId)) return; // nobody here has asked to be asked
    if (!isSafePrompt(prompt)) {
      void offer(window.showErrorMessage, "The sign-in server named an address or a code that is not safe to open or to show.", []);
      void this.cancel(prompt.attemptId);
      return;
    }
    this.#prompts.set(prompt.attemptId, prompt);
    const presented = prompt.kind === "deviceCode" ? this.#presentCode(prompt) : this.#presentLink(prompt);
    void presented.catch((error: unknown) => showFailure(error));
  }

  /** The server sends a browser's prompt once more, which opens it; a code's page is opened from here. */
  async #openAgain(prompt: LoginPromptParams): Promise<void> {
    if (prompt.kind !== "deviceCode" && this.#client.answers("auth/reopenBrowser")) {
      await this.#client.request("auth/reopenBrowser", { attemptId: prompt.attemptId });
    } else {
      await this.#open(prompt);
    }
  }

  async #presentLink(prompt: LoginPromptParams): Promise<void> {
    const { portForwarding } = environmentOf(env.remoteName, env.uiKind === UIKind.Web);
    const forward = async (url: string): Promise<string> => (await env.asExternalUri(Uri.parse(url))).toString(true);
    if (portForwarding === true && !(await canComeBack(prompt.callbackPort, forward))) {
      await this.#giveUpBrowser(prompt);
      return;
    }
    if (await openInBrowser(prompt.url)) return; // the progress message tells the person what to do
    if (this.#isWaiting(prompt)) await this.#offerLink(prompt);
  }

  async #giveUpBrowser({ attemptId, callbackPort }: LoginPromptParams): Promise<void> {
    await this.cancel(attemptId);
    const deviceCode = { title: "Sign In with Device Code", run: () => this.#signInAgain("deviceCode") };
    const message = `Port ${callbackPort ?? 0} of the remote machine could not be forwarded under the same number, so a browser cannot finish the sign-in.`;
    await offer(window.showWarningMessage, message, this.#client.offers("deviceCode") ? [deviceCode] : []);
  }

  async #open(prompt: LoginPromptParams): Promise<void> {
    if (!(await openInBrowser(prompt.completeUrl ?? prompt.url)) && this.#isWaiting(prompt)) await this.#offerLink(prompt);
  }

  async #offerLink(prompt: LoginPromptParams): Promise<void> {
    await offer(window.showWarningMessage, "The browser did not open. Copy the link and open it yourself.", [
      { title: "Copy Link", run: () => this.#ifWaiting(prompt, () => copyText(prompt.url, "The sign-in link")) },
      { title: "Open Again", run: () => this.#ifWaiting(prompt, () => this.#open(prompt)) },
    ]);
  }

  /** Without a button to close it, VS Code adds "Cancel", which ends the sign-in. */
  async #presentCode(prompt: LoginPromptParams, closing: MessageItem[] = []): Promise<void> {
    const code = prompt.userCode ?? "";
    const left = timeLeft(prompt.expiresAt, Date.now());
    const detail = [`Enter it at ${prompt.url}${left === undefined ? "" : `\n${left}.`}`, prompt.message].join("\n\n");
    const items = [COPY_CODE_AND_OPEN, COPY_CODE, ...closing];
    const choice = await window.showInformationMessage(`Your code: ${code}`, { modal: true, detail }, ...items);
    if (choice === CLOSE) return;
    if (choice === undefined) {
      if (this.#isWaiting(prompt)) await this.cancel(prompt.attemptId);
      return;
    }
    await this.#ifWaiting(prompt, async () => {
      await copyText(code, "The code");
      if (choice === COPY_CODE_AND_OPEN) await this.#open(prompt);
    });
  }

  async #pasteCallback({ attemptId, callbackPort = 1455 }: LoginPromptParams): Promise<void> {
    await askForSecret(
      {
        title: "Codex: Paste Callback URL",
        prompt: "After signing in, your browser may show a page that it cannot load. Copy that page's whole address and paste it here.",
        placeholder: `http://localhost:${callbackPort}/auth/callback?…`,
        whenEmpty: "Paste the address first.",
      },
      async (url) => {
        try {
          await this.#client.request("auth/submitCallback", { attemptId, url });
          return undefined;
        } catch (error) {
          return failureText(error);
        }
      },
      (close) => this.#client.onCompleted((ended) => { if (ended.attemptId === attemptId) close(); }),
    );
  }

  #isWaiting(prompt: LoginPromptParams): boolean {
    return this.#prompts.has(prompt.attemptId);
  }

  /** A message can outlive the attempt that it belongs to. */
  async #ifWaiting(prompt: LoginPromptParams, run: () => unknown): Promise<void> {
    if (this.#isWaiting(prompt)) await run();
    else await this.#tellItEnded();
  }

  async #tellItEnded(): Promise<void> {
    await offer(window.showInformationMessage, "That sign-in has already ended.", [
      { title: "Sign In", run: () => commands.executeCommand("codexAuth.signIn") },
    ]);
  }
}

/** Whether VS Code opened it; it also asks the person, who may refuse. */
async function openInBrowser(url: string): Promise<boolean> {
  try {
    return await env.openExternal(Uri.parse(url, true));
  } catch {
    return false;
  }
}
