// The server's notices: each once in a window, also when the server was started anew, and never
// again where the person says so.

import { createHash } from "node:crypto";
import { window, type Memento } from "vscode";
import { adviceButtons, offer, withSentences, type Button } from "./messages";
import type { NoticeParams } from "./protocol";
import { adviceOf } from "./remediation";

/** Digests of the notices that the person does not want to see again; a text may name their folders. */
const SILENCED = "codexAuth.silencedNotices";

export class Notices {
  readonly #memento: Memento;
  readonly #shown = new Set<string>();

  constructor(memento: Memento) {
    this.#memento = memento;
  }

  async show(notice: NoticeParams): Promise<void> {
    const text: unknown = notice.message;
    if (typeof text !== "string" || text === "") return;
    const digest = createHash("sha256").update(JSON.stringify([notice.code, notice.message])).digest("hex");
    if (this.#shown.has(digest) || this.#silenced().includes(digest)) return;
    this.#shown.add(digest);
    const advice = adviceOf(notice.actions);
    const silence: Button = {
      title: "Don't Show Again",
      run: () => this.#memento.update(SILENCED, [...this.#silenced(), digest]),
    };
    const buttons = [...adviceButtons(advice), ...(notice.severity === "error" ? [] : [silence])];
    await offer(showing(notice.severity), withSentences(text, advice), buttons);
  }

  #silenced(): string[] {
    return this.#memento.get<string[]>(SILENCED, []);
  }
}

/** A severity of a later server is treated as a warning. */
function showing(severity: NoticeParams["severity"]): typeof window.showErrorMessage {
  if (severity === "error") return window.showErrorMessage;
  return severity === "info" ? window.showInformationMessage : window.showWarningMessage;
}
