// The login in VS Code's Accounts menu, for extensions that ask for a session: off unless the person
// turns it on. VS Code asks the person before an extension gets one.

import { authentication, Disposable, EventEmitter, window } from "vscode";
import type { AuthenticationProvider, AuthenticationProviderAuthenticationSessionsChangeEvent, AuthenticationSession } from "vscode";
import { bearerToken, difference, sessionAccount, type SessionAccount } from "./accountSession";
import type { AuthClient } from "./client";
import { offer, OPEN_SETTINGS } from "./messages";
import { ownSetting } from "./ownSettings";
import type { SignIn } from "./signIn";

const ID = "codex-auth";

export function isAccountsMenuOn(): boolean {
  return ownSetting("accountsMenu") === true;
}

/** Registers the provider while the setting is on. */
export class AccountsMenu implements Disposable {
  readonly #client: AuthClient;
  readonly #signIn: SignIn;
  #registration: Disposable | undefined;

  constructor(client: AuthClient, signIn: SignIn) {
    this.#client = client;
    this.#signIn = signIn;
    this.update();
  }

  update(): void {
    if (isAccountsMenuOn()) this.#registration ??= register(this.#client, this.#signIn);
    else this.dispose();
    if (!["undefined", "boolean"].includes(typeof ownSetting("accountsMenu"))) {
      void offer(window.showWarningMessage, "The setting codexAuth.accountsMenu must be true or false. Until then it is off.", [OPEN_SETTINGS]);
    }
  }

  dispose(): void {
    this.#registration?.dispose();
    this.#registration = undefined;
  }
}

function register(client: AuthClient, signIn: SignIn): Disposable {
  const provider = new CodexAuthentication(client, signIn);
  return Disposable.from(provider, authentication.registerAuthenticationProvider(ID, "Codex", provider, { supportsMultipleAccounts: false }));
}

class CodexAuthentication implements AuthenticationProvider, Disposable {
  readonly #client: AuthClient;
  readonly #signIn: SignIn;
  readonly #changed = new EventEmitter<AuthenticationProviderAuthenticationSessionsChangeEvent>();
  readonly #listener: Disposable;
  #account: SessionAccount | undefined;

  readonly onDidChangeSessions = this.#changed.event;

  constructor(client: AuthClient, signIn: SignIn) {
    this.#client = client;
    this.#signIn = signIn;
    this.#account = client.status === undefined ? undefined : sessionAccount(client.status);
    this.#listener = client.onDidChange(() => { this.#compare(); });
  }

  /** Without scopes it is VS Code that asks, for its menu: that needs no access token and gets none. */
  async getSessions(scopes?: readonly string[], options: { account?: { id: string } } = {}): Promise<AuthenticationSession[]> {
    await this.#client.start();
    this.#compare();
    const current = this.#account;
    if (current === undefined || (options.account !== undefined && options.account.id !== current.id)) return [];
    return [session(current, scopes ?? [], scopes === undefined ? "" : await this.#accessToken())];
  }

  async createSession(scopes: readonly string[]): Promise<AuthenticationSession> {
    if (!(await this.#signIn.start())) throw new Error("The sign-in to Codex was not finished.");
    const [created] = await this.getSessions(scopes);
    if (created === undefined) throw new Error("Nobody has signed in to Codex with ChatGPT.");
    return created;
  }

  /** VS Code has asked the person; somebody else may have signed in meanwhile. */
  async removeSession(sessionId: string): Promise<void> {
    await this.#client.start();
    this.#compare();
    if (this.#account?.id !== sessionId) return;
    await this.#client.request("auth/logout", {});
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  /** A status that is unknown for a while, as when the server starts anew, ends no session. */
  #compare(): void {
    const { status } = this.#client;
    if (status === undefined) return;
    const [before, after] = [this.#account, sessionAccount(status)];
    this.#account = after;
    const what = difference(before, after);
    if (what === "none") return;
    const [old, now] = [before, after].map((account) => (account === undefined ? [] : [session(account, [], "")]));
    this.#changed.fire({
      added: what === "added" || what === "replaced" ? now : [],
      removed: what === "removed" || what === "replaced" ? old : [],
      changed: what === "changed" ? now : [],
    });
  }

  async #accessToken(): Promise<string> {
    const { headers } = await this.#client.request("auth/credential", { providerId: "openai" });
    const token = bearerToken(headers);
    if (token === undefined) throw new Error("The Codex login has no access token.");
    return token;
  }
}

function session({ id, label }: SessionAccount, scopes: readonly string[], accessToken: string): AuthenticationSession {
  return { id, account: { id, label }, scopes, accessToken };
}
