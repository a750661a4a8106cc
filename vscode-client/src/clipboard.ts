// The clipboard, which a browser or a desktop may refuse: then the person copies by hand.

import { env, window } from "vscode";

/** `what` names the text for the person. Nothing of it is kept. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await env.clipboard.writeText(text);
  } catch {
    await window.showInputBox({
      title: "Codex: Copy by Hand",
      prompt: `${what} could not be put on the clipboard. Copy it from here.`,
      value: text,
      valueSelection: [0, text.length],
      ignoreFocusOut: true,
    });
  }
}
