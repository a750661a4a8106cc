// The packaged extension in a real VS Code workbench: against a scripted server, which can do what
// is hard to bring about, and then with the real language server and the sandbox issuer.
// Each part also runs alone. Needs `npm run package` and `npm run workbench` before.

for (const part of ["./workbenchScripted.mjs", "./workbenchReal.mjs"]) {
  console.log(part);
  await import(part);
}
