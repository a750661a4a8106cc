// The part of the wire contract, version 1, that this client uses, as declarations.
// This file mirrors server/codex_auth_lsp/wire; where they differ, the server's side is right.
// Enumerations are open: an unknown value is treated as the nearest general case.
// The requests here are those that every server of version 1 answers.

import { NotificationType, RequestType } from "vscode-languageclient/node";

export const PROTOCOL_VERSION = 1;

type Open<Known extends string> = Known | (string & Record<never, never>);

export interface ClientAuthCapabilities {
  protocolVersion: number;
  loginPrompt: boolean;
  environment: EnvironmentKind;
  browserOnServerHost?: boolean;
}

export type EnvironmentKind = "local" | "ssh" | "wsl" | "container" | "codespaces" | "web";

export interface ServerAuthCapabilities {
  protocolVersion: number;
  loginMethods: string[];
}

export type LoginMethodId = "browser" | "deviceCode" | "apiKey";

export type AuthState = "signedOut" | "signedIn" | "needsReauth" | "notRequired" | "unavailable";

export interface AuthStatus {
  revision: number;
  serverInstanceId: string;
  state: Open<AuthState>;
  method?: Open<"chatgpt" | "apiKey" | "accessToken" | "environmentKey">;
  account?: Account;
  billing: Open<"subscription" | "usage" | "provider" | "none">;
  cloud: CloudAccess;
  store: StoreReport;
  source?: CredentialSource;
  shadowed: ShadowedCredential[];
  expiresAt?: string;
  lastRefreshAt?: string;
  freshness: Open<"fresh" | "stale" | "unknown">;
  lastError?: AuthError;
  provider: ActiveProvider;
  pendingLogin?: PendingLogin;
}

export interface Account {
  id?: string;
  email?: string;
  planType?: string;
  workspaceId?: string;
  label: string;
}

export interface CloudAccess {
  available: boolean;
  reason?: Open<"chatgptRequired" | "signedOut" | "needsReauth">;
  mfa: {
    requirement: Open<"required" | "managedByOrganization" | "recommended" | "unknown">;
    reason: string;
    links: { title: string; url: string }[];
  };
}

export interface StoreReport {
  mode: Open<"file" | "keyring" | "auto" | "ephemeral">;
  backend: Open<"file" | "keyring" | "memory" | "none">;
  path?: string;
  encrypted: boolean;
  health: Open<"ok" | "locked" | "unavailable" | "corrupt" | "readOnly">;
  detail?: string;
}

export interface CredentialSource {
  kind: Open<"file" | "keyring" | "environment" | "memory">;
  name?: string;
}

export interface ShadowedCredential {
  source: CredentialSource;
  method: string;
  reason: string;
}

export interface ActiveProvider {
  id: string;
  authKind: string;
  requiresOpenaiAuth: boolean;
  ready: boolean;
  problems: string[];
}

export interface PendingLogin {
  attemptId: string;
  method: Open<LoginMethodId>;
  startedAt: string;
  expiresAt: string;
}

export interface Remediation {
  title: string;
  command?: string;
  url?: string;
}

export interface ErrorData {
  kind: string;
  retryable: boolean;
  retryAfterSeconds?: number;
  attemptId?: string;
  providerId?: string;
  oauthError?: string;
  correlationId?: string;
  remediation: Remediation[];
}

export interface AuthError extends ErrorData {
  message: string;
}

export type NoParams = Record<string, never>;

export const statusRequest = new RequestType<NoParams, AuthStatus, ErrorData>("auth/status");

export interface LoginParams {
  method: LoginMethodId;
  apiKey?: string;
  attemptId?: string;
  ifRunning?: "supersede" | "join" | "fail";
  expectedAccountId?: string;
  timeoutSeconds?: number;
}

export interface LoginResult {
  attemptId: string;
  status: AuthStatus;
}

export const loginRequest = new RequestType<LoginParams, LoginResult, ErrorData>("auth/login");

export interface CancelLoginResult {
  outcome: Open<"cancelled" | "notFound" | "alreadyFinished">;
}

export const cancelLoginRequest = new RequestType<
  { attemptId?: string },
  CancelLoginResult,
  ErrorData
>("auth/cancelLogin");

export interface LogoutResult {
  removed: string[];
  remaining: { store: string; kind: string }[];
  revoked: Open<"yes" | "failed" | "notApplicable" | "skipped">;
  status: AuthStatus;
}

export const logoutRequest = new RequestType<{ revoke?: boolean }, LogoutResult, ErrorData>(
  "auth/logout",
);

export interface StatusChanged {
  status: AuthStatus;
  cause: string;
  origin: Open<"thisServer" | "otherProcess">;
  accountChanged: boolean;
}

export const statusChangedNotification = new NotificationType<StatusChanged>("auth/statusChanged");

export interface LoginPrompt {
  attemptId: string;
  kind: Open<"openUrl" | "deviceCode">;
  url: string;
  completeUrl?: string;
  userCode?: string;
  expiresAt?: string;
  callbackPort?: number;
  message: string;
}

export const loginPromptNotification = new NotificationType<LoginPrompt>("auth/loginPrompt");

export interface LoginProgress {
  attemptId: string;
  phase: Open<"starting" | "waitingForUser" | "exchanging" | "verifying" | "storing">;
  message: string;
}

export const loginProgressNotification = new NotificationType<LoginProgress>("auth/loginProgress");

export interface LoginCompleted {
  attemptId: string;
  outcome: Open<"signedIn" | "cancelled" | "superseded" | "expired" | "failed">;
  error?: AuthError;
}

export const loginCompletedNotification = new NotificationType<LoginCompleted>(
  "auth/loginCompleted",
);

export interface Notice {
  code: string;
  severity: Open<"error" | "warning" | "info">;
  message: string;
  actions: Remediation[];
}

export const noticeNotification = new NotificationType<Notice>("auth/notice");
