// Whether what a server asks of the person is fit to be opened and shown. Pure.

import type { LoginPromptParams } from "./protocol";
import { isSignInAddress } from "./remediation";

/** Letters, digits, hyphens and single spaces: on one line, and nothing but a code. */
const CODE = /^(?=.{1,64}$)[A-Za-z\d-]+(?: [A-Za-z\d-]+)*$/;

export function isSafePrompt({ kind, url, completeUrl = url, userCode = "" }: LoginPromptParams): boolean {
  return [url, completeUrl].every(isSignInAddress) && (kind !== "deviceCode" || CODE.test(userCode));
}
