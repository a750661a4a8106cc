// Another extension, which asks for a session of the Codex login and says how that went, and when
// the sessions change; and which asks VS Code for the address that one of this machine has outside.

const { authentication, commands, env, Uri, window } = require("vscode");

const PROVIDER = "codex-auth";

exports.activate = ({ subscriptions }) => {
  subscriptions.push(
    commands.registerCommand("asker.ask", () => ask({ createIfNone: true })),
    commands.registerCommand("asker.askForNew", () => ask({ forceNewSession: true })),
    commands.registerCommand("asker.askForAddress", async () => {
      const outside = await env.asExternalUri(Uri.parse("http://127.0.0.1:1455/"));
      window.showInformationMessage(`Outside it is ${outside.toString(true)} from now on`);
    }),
    authentication.onDidChangeSessions(async ({ provider }) => {
      if (provider.id !== PROVIDER) return;
      const accounts = await authentication.getAccounts(PROVIDER);
      window.showInformationMessage(`The sessions have changed, now there are ${accounts.length}`);
    }),
  );
};

async function ask(how) {
  try {
    const { account, accessToken } = await authentication.getSession(PROVIDER, ["models"], how);
    window.showInformationMessage(`Got a session of ${account.label}, token of ${accessToken.length} characters`);
  } catch (error) {
    window.showInformationMessage(`Got no session: ${error.message}`);
  }
}
