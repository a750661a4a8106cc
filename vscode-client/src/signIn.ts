// Signing in: the browser, a device code, an API key.
// What a prompt carries is kept in memory while its attempt runs, and nowhere else.

import { randomUUID } from "node:crypto";
import { env, ProgressLocation, ThemeIcon, Uri, window } from "vscode";
import type { CancellationToken, Disposable, Progress } from "vscode";
import type { AuthClient } from "./client";
import { offer, openPage, showFailure } from "./messages";
import type { LoginMethodId, LoginPromptParams, LoginResult } from "./protocol";
import { isSignInAddress } from "./remediation";

const API_KEYS_PAGE = "https://platform.openai.com/api-keys";
const PRICING_PAGE = "https://openai.com/api/pricing/";

const COPY_CODE_AND_OPEN = "Copy Code and Open";
const COPY_CODE = "Copy Code";

export class SignIn implements Disposable {
  readonly #client: AuthClient;
  readonly #prompts = new Map<string, LoginPromptParams>();
  readonly #listeners: Disposable[];

  constructor(client: AuthClient) {
    this.#client = client;
    this.#listeners = [
      client.onPrompt((prompt) => { this.#receive(prompt); }),
      client.onCompleted(({ attemptId }) => { this.#prompts.delete(attemptId); }),
      client.onDidChange(() => { if (client.connection !== "running") this.#prompts.clear(); }),
    ];
  }

  /** What the sign-in that is waiting now has asked of the person. */
  get prompt(): LoginPromptParams | undefined {
    const attemptId = this.#client.status?.pendingLogin?.attemptId;
    return attemptId === undefined ? undefined : this.#prompts.get(attemptId);
  }

  async inBrowser(): Promise<void> {
    await this.#withProgress("browser", () => this.inBrowser());
  }

  async withDeviceCode(): Promise<void> {
    await this.#withProgress("deviceCode", () => this.withDeviceCode());
  }

  async withApiKey(): Promise<void> {
    const apiKey = await askForApiKey();
    if (apiKey === undefined) return;
    try {
      await window.withProgress({ location: ProgressLocation.Window, title: "Codex: Sign In" }, () =>
        this.#client.request("auth/login", { method: "apiKey", apiKey }),
      );
    } catch (error) {
      await showFailure(error, () => this.withApiKey());
      return;
    }
    await offer(window.showInformationMessage, "Signed in to Codex with an API key. Its use is billed at API rates.", [
      { title: "Pricing", run: () => openPage(PRICING_PAGE) },
    ]);
  }

  async cancel(attemptId?: string): Promise<void> {
    await this.#client.request("auth/cancelLogin", attemptId === undefined ? {} : { attemptId }).catch(showFailure);
  }

  /** Shows the person what the sign-in asks of them. */
  async present(prompt: LoginPromptParams): Promise<void> {
    await (prompt.kind === "deviceCode" ? this.#presentCode(prompt) : this.#presentLink(prompt)).catch(showFailure);
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#prompts.clear();
  }

  async #withProgress(method: LoginMethodId, retry: () => Promise<void>): Promise<void> {
    let result: LoginResult;
    try {
      result = await window.withProgress(
        { location: ProgressLocation.Notification, title: "Codex: Sign In", cancellable: true },
        (progress, token) => this.#login(method, progress, token),
      );
    } catch (error) {
      await showFailure(error, retry);
      return;
    }
    const label = result.status.account?.label;
    await offer(window.showInformationMessage, `Signed in to Codex${label === undefined ? "" : ` as ${label}`}.`, []);
  }

  async #login(method: LoginMethodId, progress: Progress<{ message: string }>, token: CancellationToken): Promise<LoginResult> {
    const attemptId = randomUUID();
    const listener = this.#client.onProgress((step) => {
      if (step.attemptId === attemptId) progress.report({ message: step.message });
    });
    try {
      return await this.#client.request("auth/login", { method, attemptId }, token);
    } finally {
      listener.dispose();
      this.#prompts.delete(attemptId);
    }
  }

  #receive(prompt: LoginPromptParams): void {
    if ([prompt.url, prompt.completeUrl ?? prompt.url].every(isSignInAddress)) {
      this.#prompts.set(prompt.attemptId, prompt);
      void this.present(prompt);
    } else {
      void offer(window.showErrorMessage, "The sign-in server named an address that is not safe to open.", []);
      void this.cancel(prompt.attemptId);
    }
  }

  async #presentLink(prompt: LoginPromptParams): Promise<void> {
    if (await openInBrowser(prompt.url)) return; // the progress message tells the person what to do
    if (!this.#isWaiting(prompt)) return;
    await offer(window.showWarningMessage, "The browser did not open. Copy the link and open it yourself.", [
      { title: "Copy Link", run: () => this.#ifWaiting(prompt, () => env.clipboard.writeText(prompt.url)) },
      { title: "Open Again", run: () => this.#ifWaiting(prompt, () => this.#presentLink(prompt)) },
    ]);
  }

  async #presentCode(prompt: LoginPromptParams): Promise<void> {
    const code = prompt.userCode ?? "";
    const choice = await window.showInformationMessage(
      `Your code: ${code}`,
      { modal: true, detail: `Enter it at ${prompt.url}\n\n${prompt.message}` },
      COPY_CODE_AND_OPEN,
      COPY_CODE,
    );
    if (!this.#isWaiting(prompt)) return;
    if (choice === undefined) {
      await this.cancel(prompt.attemptId);
      return;
    }
    await env.clipboard.writeText(code);
    if (choice === COPY_CODE_AND_OPEN) await openInBrowser(prompt.completeUrl ?? prompt.url);
  }

  #isWaiting(prompt: LoginPromptParams): boolean {
    return this.#prompts.has(prompt.attemptId);
  }

  /** A message can outlive the attempt that it belongs to. */
  async #ifWaiting(prompt: LoginPromptParams, run: () => unknown): Promise<void> {
    if (this.#isWaiting(prompt)) await run();
    else await offer(window.showInformationMessage, "That sign-in has already ended.", [{ title: "Sign In", run: () => this.inBrowser() }]);
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

/** Resolves to nothing when the person closes the box. The key stays in the box and in the answer. */
function askForApiKey(): Promise<string | undefined> {
  const box = window.createInputBox();
  box.title = "Codex: Sign In with API Key";
  box.prompt = `Paste an API key from ${API_KEYS_PAGE}. Its use is billed at API rates.`;
  box.placeholder = "sk-…";
  box.password = true;
  box.ignoreFocusOut = true;
  box.buttons = [{ iconPath: new ThemeIcon("link-external"), tooltip: "Open the page where API keys are made" }];
  return new Promise((resolve) => {
    box.onDidTriggerButton(() => void openPage(API_KEYS_PAGE));
    box.onDidChangeValue(() => (box.validationMessage = undefined));
    box.onDidAccept(() => {
      const key = box.value.trim();
      if (key === "") {
        box.validationMessage = "Paste the key first.";
        return;
      }
      resolve(key);
      box.hide();
    });
    box.onDidHide(() => {
      resolve(undefined);
      box.dispose();
    });
    box.show();
  });
}
