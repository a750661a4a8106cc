// What the server has shown by the protocol's own messages. The library would show the text as it
// is, and VS Code would make a link that runs a command of `[a](command:b)`.

import { window } from "vscode";
import { MessageType, ShowMessageNotification, ShowMessageRequest, type BaseLanguageClient } from "vscode-languageclient/node";
import { literal } from "./remediation";

/** Takes the place of the library's handlers, which are registered first. */
export function showLiterally(client: BaseLanguageClient): void {
  client.onNotification(ShowMessageNotification.type, ({ type, message }) => { void showing(type)(literal(message)); });
  client.onRequest(ShowMessageRequest.type, ({ type, message, actions = [] }) => showing(type)(literal(message), ...actions));
}

function showing(type: MessageType): typeof window.showErrorMessage {
  if (type === MessageType.Error) return window.showErrorMessage;
  return type === MessageType.Warning ? window.showWarningMessage : window.showInformationMessage;
}
