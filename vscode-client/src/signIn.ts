// Signing in: the browser, a device code, an API key.
// What a prompt carries is kept in memory while its attempt runs, and nowhere else.

import { randomUUID } from "node:crypto";
import { env, ProgressLocation, ThemeIcon, Uri, window } from "vscode";
import type { CancellationToken, Disposable, Progress } from "vscode";
import type { AuthClient } from "./client";
import { offer, openPage, showFailure } from "./messages";
import { cancelLoginRequest, loginRequest, reopenBrowserRequest } from "./protocol";
import type { LoginMethodId, LoginPrompt, LoginResult } from "./protocol";
import { isSignInAddress } from "./remediation";

const API_KEYS_PAGE = "https://platform.openai.com/api-keys";
const PRICING_PAGE = "https://openai.com/api/pricing/";

const COPY_CODE_AND_OPEN = "Copy Code and Open";
const COPY_CODE = "Copy Code";

export class SignIn implements Disposable {
  readonly #client: AuthClient;
  readonly #prompts = new Map<string, LoginPrompt>();
  readonly #listeners: Disposable[];

  constructor(client: AuthClient) {
    this.#client = client;
    this.#listeners = [
      client.onPrompt((prompt) => { void this.#present(prompt).catch(showFailure); }),
      client.onCompleted(({ attemptId }) => { this.#prompts.delete(attemptId); }),
      client.onDidChange(() => { if (client.connection !== "running") this.#prompts.clear(); }),
    ];
  }

  /** The link of the sign-in that is waiting now. */
  get link(): string | undefined {
    const attemptId = this.#client.status?.pendingLogin?.attemptId;
    return attemptId === undefined ? undefined : this.#prompts.get(attemptId)?.url;
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
        this.#client.request(loginRequest, { method: "apiKey", apiKey }),
      );
    } catch (error) {
      await showFailure(error, () => this.withApiKey());
      return;
    }
    await offer(window.showInformationMessage, "Signed in to Codex with an API key. Its use is billed at API rates.", [
      { title: "Pricing", run: () => openPage(PRICING_PAGE) },
    ]);
  }

  async cancel(): Promise<void> {
    await this.#client.request(cancelLoginRequest, {}).catch(showFailure);
  }

  async reopenBrowser(): Promise<void> {
    await this.#client.request(reopenBrowserRequest, {}).catch(showFailure);
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
      return await this.#client.request(loginRequest, { method, attemptId }, token);
    } finally {
      listener.dispose();
      this.#prompts.delete(attemptId);
    }
  }

  async #present(prompt: LoginPrompt): Promise<void> {
    if (!isSignInAddress(prompt.url)) throw new Error("the server named an address that is not opened");
    this.#prompts.set(prompt.attemptId, prompt);
    await (prompt.kind === "deviceCode" ? this.#presentCode(prompt) : this.#presentLink(prompt));
  }

  async #presentLink(prompt: LoginPrompt): Promise<void> {
    const opened = await openInBrowser(prompt.url);
    if (!this.#isWaiting(prompt)) return;
    const message = opened ? "Finish signing in to Codex in your browser." : "The browser did not open. Copy the link and open it yourself.";
    await offer(opened ? window.showInformationMessage : window.showWarningMessage, message, [
      { title: "Copy Link", run: () => this.#ifWaiting(prompt, () => env.clipboard.writeText(prompt.url)) },
      { title: "Open Again", run: () => this.#ifWaiting(prompt, () => this.#presentLink(prompt)) },
    ]);
  }

  async #presentCode(prompt: LoginPrompt): Promise<void> {
    const code = prompt.userCode ?? "";
    const choice = await window.showInformationMessage(
      `Your code: ${code}`,
      { modal: true, detail: `Enter it at ${prompt.url}\n\n${prompt.message}` },
      COPY_CODE_AND_OPEN,
      COPY_CODE,
    );
    if (!this.#isWaiting(prompt)) return;
    if (choice === undefined) {
      await this.#client.request(cancelLoginRequest, { attemptId: prompt.attemptId });
      return;
    }
    await env.clipboard.writeText(code);
    if (choice === COPY_CODE_AND_OPEN) await openInBrowser(prompt.url);
  }

  #isWaiting(prompt: LoginPrompt): boolean {
    return this.#prompts.has(prompt.attemptId);
  }

  /** A message can outlive the attempt that it belongs to. */
  async #ifWaiting(prompt: LoginPrompt, run: () => unknown): Promise<void> {
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
