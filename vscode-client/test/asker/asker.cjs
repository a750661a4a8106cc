// Another extension, which asks for a session of the Codex login and says how that went.

const { authentication, commands, window } = require("vscode");

exports.activate = ({ subscriptions }) => {
  subscriptions.push(commands.registerCommand("asker.ask", async () => {
    try {
      const { account, accessToken } = await authentication.getSession("codex-auth", ["models"], { createIfNone: true });
      window.showInformationMessage(`Got a session of ${account.label}, token of ${accessToken.length} characters`);
    } catch (error) {
      window.showInformationMessage(`Got no session: ${error.message}`);
    }
  }));
};
