// The packaged extension in a real VS Code workbench: against a scripted server, which can do what
// is hard to bring about, then with the real language server and the sandbox issuer, and at last with
// the server that a package brings along.
// Each part also runs alone. Needs `npm run package`, `package:bundled` and `workbench` before.

for (const part of ["./workbenchScripted.mjs", "./workbenchReal.mjs", "./workbenchBundled.mjs"]) {
  console.log(part);
  await import(part);
}
