// The packaged extension in a real VS Code workbench: against a scripted server, which can do what
// is hard to bring about, then with the real language server and the sandbox issuer, in a hostile
// folder with an issuer of other people, with the server that a package brings along, and under the
// checker of clients.
// Each part also runs alone. Needs `npm run package`, `package:bundled` and `workbench` before.

for (const part of ["Scripted", "Crashes", "Real", "Hostile", "Bundled", "Checked"]) {
  console.log(part);
  await import(`./workbench${part}.mjs`);
}
