// A box for one secret: hidden while it is typed, never in a history, gone when it is closed.

import { ThemeIcon, window, type Disposable } from "vscode";
import { openPage } from "./messages";

export interface SecretQuestion {
  title: string;
  prompt: string;
  placeholder: string;
  /** What is said when the box is confirmed while empty. */
  whenEmpty: string;
  links?: readonly { title: string; url: string }[];
}

/** Says what is wrong with an answer, so that the box stays open with it; nothing when it is good. */
type Judge = (answer: string) => Promise<string | undefined>;

/**
 * Resolves to the answer once `judge`, where there is one, finds nothing wrong with it; to nothing when the person closes
 * the box or `closing` does.
 */
export function askForSecret(
  question: SecretQuestion,
  judge?: Judge,
  closing?: (close: () => void) => Disposable,
): Promise<string | undefined> {
  const { title, prompt, placeholder, links = [] } = question;
  const box = window.createInputBox();
  Object.assign(box, { title, prompt, placeholder, password: true, ignoreFocusOut: true });
  const buttons = links.map((link, at) => ({ iconPath: new ThemeIcon(at === 0 ? "link-external" : "info"), tooltip: link.title, url: link.url }));
  box.buttons = buttons;
  const listener = closing?.(() => { box.hide(); });
  return new Promise((resolve) => {
    const done = (answer: string): void => {
      resolve(answer);
      box.hide();
    };
    const ask = async (answer: string, check: Judge): Promise<void> => {
      box.busy = true;
      const wrong = await check(answer);
      box.busy = false;
      if (wrong === undefined) done(answer);
      else box.validationMessage = wrong;
    };
    const accept = (): void => {
      const answer = box.value.trim();
      if (answer === "") box.validationMessage = question.whenEmpty;
      else if (judge === undefined) done(answer);
      else if (!box.busy) void ask(answer, judge);
    };
    box.onDidTriggerButton((button) => void openPage(buttons.find((known) => known === button)?.url ?? ""));
    box.onDidChangeValue(() => (box.validationMessage = undefined));
    box.onDidAccept(accept);
    box.onDidHide(() => {
      resolve(undefined);
      listener?.dispose();
      box.dispose();
    });
    box.show();
  });
}
