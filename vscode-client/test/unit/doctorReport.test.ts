import assert from "node:assert/strict";
import { test } from "node:test";
import { doctorReport } from "../../src/doctorReport";

test("what is wrong comes first, with its remedies", () => {
  const report = doctorReport({
    checks: [
      { id: "home", status: "ok", summary: "The folder is ~/.codex." },
      { id: "clock", status: "odd", summary: "A value of a later server." },
      { id: "permissions", status: "warning", summary: "Others can read it.", remediation: [{ title: "Run: chmod 600" }] },
      { id: "ports", status: "error", summary: "Both are taken.", detail: "1455: one\n1457: other", remediation: [{ title: "Help", url: "https://example.com" }] },
    ],
  }, "1.2.3");
  assert.equal(report, [
    "# Codex sign-in: doctor report",
    "",
    "Checks: 4, errors: 1, warnings: 1. VS Code extension 1.2.3.",
    "",
    "## Errors",
    "",
    "- ports: error. Both are taken.",
    "    1455: one",
    "    1457: other",
    "    Remedy: Help (https://example.com)",
    "",
    "## Warnings",
    "",
    "- permissions: warning. Others can read it.",
    "    Remedy: Run: chmod 600",
    "",
    "## Everything else",
    "",
    "- home: ok. The folder is ~/.codex.",
    "- clock: odd. A value of a later server.",
    "",
    "",
  ].join("\n"));
});

test("a healthy installation has one list", () => {
  const report = doctorReport({ checks: [{ id: "home", status: "ok", summary: "Fine." }] }, "1.2.3");
  assert.match(report, /Checks: 1, errors: 0, warnings: 0\./);
  assert.doesNotMatch(report, /## Errors|## Warnings/);
});
