// The findings of `auth/doctor` as a text to read and to paste into a bug report. Pure.

import type { DoctorCheck, DoctorResult } from "./protocol";

export function doctorReport({ checks }: DoctorResult, extensionVersion: string): string {
  const errors = checks.filter(({ status }) => status === "error");
  const warnings = checks.filter(({ status }) => status === "warning");
  return [
    "# Codex sign-in: doctor report",
    `Checks: ${checks.length}, errors: ${errors.length}, warnings: ${warnings.length}. VS Code extension ${extensionVersion}.`,
    ...section("Errors", errors),
    ...section("Warnings", warnings),
    ...section("Everything else", checks.filter((check) => !errors.includes(check) && !warnings.includes(check))),
    "",
  ].join("\n\n");
}

function section(title: string, checks: readonly DoctorCheck[]): string[] {
  return checks.length === 0 ? [] : [`## ${title}`, checks.map(entry).join("\n")];
}

function entry({ id, status, summary, detail, remediation = [] }: DoctorCheck): string {
  const lines = [
    ...(detail === undefined ? [] : detail.split("\n").map((line) => `    ${line}`)),
    ...remediation.map(({ title, url }) => `    Remedy: ${title}${url === undefined ? "" : ` (${url})`}`),
  ];
  return [`- ${id}: ${status}. ${summary}`, ...lines].join("\n");
}
