// Another extension, which asks for a session of the Codex login and says how that went, and when
// the sessions change.

const { authentication, commands, window } = require("vscode");

const PROVIDER = "codex-auth";

exports.activate = ({ subscriptions }) => {
  subscriptions.push(
    commands.registerCommand("asker.ask", () => ask({ createIfNone: true })),
    commands.registerCommand("asker.askForNew", () => ask({ forceNewSession: true })),
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
