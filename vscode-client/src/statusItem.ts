// The status bar entry: it draws what `presentStatus` says.

import { commands, MarkdownString, StatusBarAlignment, ThemeColor, window } from "vscode";
import type { Disposable, StatusBarItem } from "vscode";
import { presentStatus, type Connection, type Presentation } from "./presentStatus";
import type { AuthStatus } from "./protocol";

/** Left of the language and encoding entries, where other accounts stand too. */
const PRIORITY = 90;

const BACKGROUNDS: Record<Presentation["severity"], ThemeColor | undefined> = {
  normal: undefined,
  warning: new ThemeColor("statusBarItem.warningBackground"),
  error: new ThemeColor("statusBarItem.errorBackground"),
};

export class StatusItem implements Disposable {
  readonly #item: StatusBarItem;
  readonly #contexts = new Map<string, boolean | string>();

  constructor() {
    this.#item = window.createStatusBarItem("codexAuth.status", StatusBarAlignment.Right, PRIORITY);
    this.#item.name = "Codex Sign-In";
    this.show(undefined, "starting");
    this.#item.show();
  }

  /** `failure` is why there is no server. */
  show(status: AuthStatus | undefined, connection: Connection, failure?: string): void {
    const { text, tooltip, command, severity, accessibilityLabel } = presentStatus(status, connection, failure);
    const markdown = new MarkdownString(tooltip, false); // an icon in it would be one of a label from outside
    markdown.isTrusted = false;
    this.#item.text = text;
    this.#item.tooltip = markdown;
    this.#item.command = command;
    this.#item.backgroundColor = BACKGROUNDS[severity];
    this.#item.accessibilityInformation = { label: accessibilityLabel, role: "button" };
    this.#setContext("codexAuth.serverRuns", connection === "running");
    this.#setContext("codexAuth.signedIn", status?.state === "signedIn");
    this.#setContext("codexAuth.state", status?.state ?? "unknown");
  }

  /** For keybindings, menus and the walkthrough; each is a message to another process. */
  #setContext(key: string, value: boolean | string): void {
    if (this.#contexts.get(key) === value) return;
    this.#contexts.set(key, value);
    void commands.executeCommand("setContext", key, value);
  }

  dispose(): void {
    this.#item.dispose();
  }
}
