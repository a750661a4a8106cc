// Which way of signing in "Codex: Sign In" takes: one pure function over `auth/methods`.

import type { LoginMethod, LoginMethodId } from "./protocol";

export type KnownMethod = LoginMethod & { id: LoginMethodId };

export type MethodChoice =
  | { kind: "use"; method: LoginMethodId }
  | { kind: "ask"; methods: KnownMethod[] }
  | { kind: "none"; message: string };

const KNOWN: readonly string[] = ["browser", "deviceCode", "apiKey"] satisfies LoginMethodId[];

/**
 * The recommended way is taken without a question. In a remote window the person is asked first,
 * since only they know where their browser is.
 */
export function chooseMethod(methods: readonly LoginMethod[], isRemote: boolean): MethodChoice {
  const known = methods.filter(isKnown);
  const usable = known.filter(({ available }) => available);
  const [first] = usable;
  if (first === undefined) return { kind: "none", message: noneUsable(known) };
  if (isRemote && usable.length > 1) return { kind: "ask", methods: usable };
  return { kind: "use", method: (usable.find(({ recommended }) => recommended) ?? first).id };
}

function isKnown(method: LoginMethod): method is KnownMethod {
  return KNOWN.includes(method.id);
}

function noneUsable(methods: readonly LoginMethod[]): string {
  const reasons = methods.flatMap(({ unavailableReason }) => unavailableReason ?? []);
  return ["There is no way to sign in to Codex here.", ...new Set(reasons)].join(" ");
}
