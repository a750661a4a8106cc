// The wire of `protocol.md`, version 1, as `make mirror` writes it from the
// server's models. Not to be edited by hand: a test fails when the two differ.

export const PROTOCOL_VERSION = 1;

/** An enumeration of what the server sends: a later server may have more values. */
export type Open<Known extends string> = Known | (string & Record<never, never>);

/** An RFC 3339 date-time in UTC. */
export type Timestamp = string;

/** 1 to 128 characters out of `A-Z a-z 0-9 . _ -`. */
export type AttemptId = string;

export type ProgressToken = number | string;

export type LoginMethodId = "browser" | "deviceCode" | "apiKey";

export type IfRunning = "supersede" | "join" | "fail";

export type AuthState = "signedOut" | "signedIn" | "needsReauth" | "notRequired" | "unavailable";

export type CredentialKind =
  | "chatgpt"
  | "apiKey"
  | "accessToken"
  | "environmentKey"
  | "bedrockApiKey"
  | "bedrockAccessKeys"
  | "agentIdentity";

export type Billing = "subscription" | "usage" | "provider" | "none";

export type CloudReason = "chatgptRequired" | "signedOut" | "needsReauth";

export type MfaRequirement = "required" | "managedByOrganization" | "recommended" | "unknown";

export type NoticeCode = "plaintextFallback" | "storePermissions" | "environmentKeyOverridesLogin" | "clockSkew";

export type CheckStatus = "ok" | "warning" | "error" | "skipped";

export type NoticeSeverity = "error" | "warning" | "info";

export type StoreMode = "file" | "keyring" | "auto" | "ephemeral";

export type StoreBackend = "file" | "keyring" | "memory" | "none";

export type StoreHealth = "ok" | "locked" | "unavailable" | "corrupt" | "readOnly";

export type SourceKind = "file" | "keyring" | "environment" | "memory";

export type Freshness = "fresh" | "stale" | "unknown";

export type ProviderAuthKind = "openai" | "environmentKey" | "none" | "bearerToken" | "command";

export type StoreName = "file" | "keyring" | "memory";

export type Revocation = "yes" | "failed" | "notApplicable" | "skipped";

export type CancelOutcome = "cancelled" | "notFound" | "alreadyFinished";

export type StatusCause =
  | "startup"
  | "login"
  | "logout"
  | "refresh"
  | "externalChange"
  | "expired"
  | "storeHealth"
  | "configChange"
  | "pendingLogin"
  | "freshness";

export type StatusOrigin = "thisServer" | "otherProcess";

export type PromptKind = "openUrl" | "deviceCode";

export type LoginPhase = "starting" | "waitingForUser" | "exchanging" | "verifying" | "storing";

export type LoginOutcome = "signedIn" | "cancelled" | "superseded" | "expired" | "failed";

export type EnvironmentKind = "local" | "ssh" | "wsl" | "container" | "codespaces" | "web";

export type ErrorKind =
  | "notSignedIn"
  | "needsReauth"
  | "loginInProgress"
  | "loginCancelled"
  | "loginSuperseded"
  | "attemptNotFound"
  | "loginTimedOut"
  | "loginDenied"
  | "callbackPortUnavailable"
  | "callbackRejected"
  | "browserOpenFailed"
  | "deviceCodeDisabled"
  | "deviceCodeExpired"
  | "tokenExchangeFailed"
  | "issuerResponseInvalid"
  | "issuerUnavailable"
  | "notEntitled"
  | "networkUnreachable"
  | "proxyError"
  | "tlsUntrusted"
  | "rateLimited"
  | "apiKeyInvalid"
  | "apiKeyRejected"
  | "loginMethodNotAllowed"
  | "loginMethodUnavailable"
  | "wrongWorkspace"
  | "wrongAccount"
  | "refreshTokenExpired"
  | "refreshTokenReused"
  | "refreshTokenRevoked"
  | "providerUnknown"
  | "environmentKeyMissing"
  | "credentialCommandFailed"
  | "capabilityNotDeclared"
  | "storeLocked"
  | "storeUnavailable"
  | "storeCorrupt"
  | "storeReadOnly"
  | "storeWriteFailed"
  | "lockTimedOut"
  | "configurationInvalid"
  | "shuttingDown"
  | "internalError";

/** What a person can do about something, on their own choice. */
export interface Remediation {
  title: string;
  command?: string;
  url?: string;
}

/** The `data` of an error response. */
export interface ErrorData {
  kind: Open<ErrorKind>;
  retryable: boolean;
  retryAfterSeconds?: number;
  attemptId?: AttemptId;
  providerId?: string;
  oauthError?: string;
  correlationId?: string;
  remediation: Remediation[];
}

/** An error where it is no response: in a status, at the end of an attempt. */
export interface AuthError extends ErrorData {
  message: string;
}

/** A way of signing in. */
export interface LoginMethod {
  id: Open<LoginMethodId>;
  title: string;
  description: string;
  available: boolean;
  unavailableReason?: string;
  recommended: boolean;
}

/** Who is signed in. */
export interface Account {
  id?: string;
  email?: string;
  planType?: string;
  workspaceId?: string;
  label: string;
}

/** A titled https address. */
export interface Link {
  title: string;
  url: string;
}

/** What OpenAI's documentation asks of an account that signs in this way. */
export interface MfaAdvice {
  requirement: Open<MfaRequirement>;
  reason: string;
  links: Link[];
}

/** Whether the stored login is one that Codex cloud takes. */
export interface CloudAccess {
  available: boolean;
  reason?: Open<CloudReason>;
  mfa: MfaAdvice;
}

/** The place where logins are kept. */
export interface StoreReport {
  mode: Open<StoreMode>;
  backend: Open<StoreBackend>;
  path?: string;
  encrypted: boolean;
  health: Open<StoreHealth>;
  detail?: string;
}

/** Where a credential comes from. */
export interface CredentialSource {
  kind: Open<SourceKind>;
  name?: string;
}

/** A credential that is present and not in use. */
export interface ShadowedCredential {
  source: CredentialSource;
  method: Open<CredentialKind>;
  reason: string;
}

/** The model provider that `config.toml` names. */
export interface ActiveProvider {
  id: string;
  authKind: Open<ProviderAuthKind>;
  requiresOpenaiAuth: boolean;
  ready: boolean;
  problems: string[];
}

/** The variable that a provider's `env_key` names; never its value. */
export interface EnvironmentKey {
  name: string;
  present: boolean;
  instructions?: string;
}

/** A model provider, and how requests to it are authenticated. */
export interface ProviderAuth {
  id: string;
  name: string;
  active: boolean;
  baseUrl?: string;
  authKind: Open<ProviderAuthKind>;
  requiresOpenaiAuth: boolean;
  environmentKey?: EnvironmentKey;
  ready: boolean;
  problems: string[];
}

/** The login attempt that this server process is running. */
export interface PendingLogin {
  attemptId: AttemptId;
  method: Open<LoginMethodId>;
  startedAt: Timestamp;
  expiresAt: Timestamp;
}

/** The state of sign-in. */
export interface AuthStatus {
  revision: number;
  serverInstanceId: string;
  state: Open<AuthState>;
  method?: Open<CredentialKind>;
  account?: Account;
  billing: Open<Billing>;
  cloud: CloudAccess;
  store: StoreReport;
  source?: CredentialSource;
  shadowed: ShadowedCredential[];
  expiresAt?: Timestamp;
  lastRefreshAt?: Timestamp;
  freshness: Open<Freshness>;
  lastError?: AuthError;
  provider: ActiveProvider;
  pendingLogin?: PendingLogin;
}

/** `auth/status`: nothing. */
export type StatusParams = Record<string, never>;

/** `auth/methods`: nothing. */
export type MethodsParams = Record<string, never>;

/** `auth/login`. */
export interface LoginParams {
  method: LoginMethodId;
  apiKey?: string;
  attemptId?: AttemptId;
  ifRunning?: IfRunning;
  expectedAccountId?: string;
  timeoutSeconds?: number;
  workDoneToken?: ProgressToken;
}

/** `auth/cancelLogin`: the attempt to end, else the one that runs. */
export interface CancelLoginParams {
  attemptId?: AttemptId;
}

/** `auth/submitCallback`: the redirect URL that the person copied out of their browser. */
export interface SubmitCallbackParams {
  attemptId?: AttemptId;
  url: string;
}

/** `auth/reopenBrowser`. */
export interface ReopenBrowserParams {
  attemptId?: AttemptId;
}

/** `auth/logout`. */
export interface LogoutParams {
  revoke?: boolean;
}

/** `auth/refresh`. */
export interface RefreshParams {
  force?: boolean;
  minValiditySeconds?: number;
}

/** `auth/providers`: nothing. */
export type ProvidersParams = Record<string, never>;

/** `auth/credential`: for a provider, else for the active one. */
export interface CredentialParams {
  providerId?: string;
  minValiditySeconds?: number;
  rejectedRevision?: number;
}

/** `auth/doctor`: whether the issuer may be asked, too. */
export interface DoctorParams {
  network?: boolean;
}

/** `auth/methods`: the ways of signing in, best first. */
export interface MethodsResult {
  methods: LoginMethod[];
}

/** `auth/login`: somebody is signed in. With an API key, `links` lead to keys and prices. */
export interface LoginResult {
  attemptId: AttemptId;
  status: AuthStatus;
  message: string;
  links: Link[];
}

/** `auth/cancelLogin`. */
export interface CancelLoginResult {
  outcome: Open<CancelOutcome>;
}

/** `auth/submitCallback`: the URL is the attempt's, whose end is told by the login. */
export interface SubmitCallbackResult {
  accepted: boolean;
}

/** `auth/reopenBrowser`: nothing. */
export type ReopenBrowserResult = Record<string, never>;

/** A store that a logout could not empty, and the kind of error that kept it from doing so. */
export interface RemainingLogin {
  store: Open<StoreName>;
  kind: Open<ErrorKind>;
}

/** `auth/logout`. */
export interface LogoutResult {
  removed: Open<StoreName>[];
  remaining: RemainingLogin[];
  revoked: Open<Revocation>;
  status: AuthStatus;
}

/** `auth/providers`: every model provider. */
export interface ProvidersResult {
  activeProviderId: string;
  providers: ProviderAuth[];
  revision: number;
  serverInstanceId: string;
}

/** `auth/credential`: what to put on a request to a provider; a secret as a whole. */
export interface CredentialResult {
  providerId: string;
  baseUrl: string;
  headers: Record<string, string>;
  queryParams?: Record<string, string>;
  expiresAt?: Timestamp;
  revision: number;
}

/** The two sign-in commands: an attempt runs, its outcome comes as a message. */
export interface SignInCommandResult {
  attemptId: AttemptId;
}

/** What one check of `auth/doctor` found. */
export interface DoctorCheck {
  id: string;
  status: Open<CheckStatus>;
  summary: string;
  detail?: string;
  remediation?: Remediation[];
}

/** `auth/doctor`. */
export interface DoctorResult {
  checks: DoctorCheck[];
}

/** `auth/statusChanged`. */
export interface StatusChangedParams {
  status: AuthStatus;
  cause: Open<StatusCause>;
  origin: Open<StatusOrigin>;
  accountChanged: boolean;
}

/** `auth/providersChanged`: the result of `auth/providers`, as it is now. */
export type ProvidersChangedParams = ProvidersResult;

/** `auth/loginPrompt`: what the person has to open or to enter; secret until the login ends. */
export interface LoginPromptParams {
  attemptId: AttemptId;
  kind: Open<PromptKind>;
  url: string;
  completeUrl?: string;
  userCode?: string;
  expiresAt?: Timestamp;
  callbackPort?: number;
  message: string;
}

/** `auth/loginProgress`. */
export interface LoginProgressParams {
  attemptId: AttemptId;
  phase: Open<LoginPhase>;
  message: string;
}

/** `auth/loginCompleted`: exactly once an attempt. */
export interface LoginCompletedParams {
  attemptId: AttemptId;
  outcome: Open<LoginOutcome>;
  error?: AuthError;
}

/** `auth/notice`: what the person should hear once. */
export interface NoticeParams {
  code: Open<NoticeCode>;
  severity: Open<NoticeSeverity>;
  message: string;
  actions: Remediation[];
}

/** What a client can do; `{}` suffices. */
export interface ClientAuthCapabilities {
  protocolVersion?: number;
  loginPrompt?: boolean;
  credential?: boolean;
  environment?: Open<EnvironmentKind>;
  browserOnServerHost?: boolean;
  portForwarding?: boolean;
}

/** What the server says of itself. */
export interface ServerAuthCapabilities {
  protocolVersion: number;
  serverInstanceId: string;
  loginMethods: Open<LoginMethodId>[];
  requests: string[];
  notifications: string[];
}

/** What goes in with each request and what comes out of it. */
export interface Requests {
  "auth/status": { params: StatusParams; result: AuthStatus };
  "auth/methods": { params: MethodsParams; result: MethodsResult };
  "auth/login": { params: LoginParams; result: LoginResult };
  "auth/cancelLogin": { params: CancelLoginParams; result: CancelLoginResult };
  "auth/submitCallback": { params: SubmitCallbackParams; result: SubmitCallbackResult };
  "auth/reopenBrowser": { params: ReopenBrowserParams; result: ReopenBrowserResult };
  "auth/logout": { params: LogoutParams; result: LogoutResult };
  "auth/refresh": { params: RefreshParams; result: AuthStatus };
  "auth/credential": { params: CredentialParams; result: CredentialResult };
  "auth/providers": { params: ProvidersParams; result: ProvidersResult };
  "auth/doctor": { params: DoctorParams; result: DoctorResult };
}

/** What comes with each notification. */
export interface Notifications {
  "auth/statusChanged": StatusChangedParams;
  "auth/loginPrompt": LoginPromptParams;
  "auth/loginProgress": LoginProgressParams;
  "auth/loginCompleted": LoginCompletedParams;
  "auth/providersChanged": ProvidersChangedParams;
  "auth/notice": NoticeParams;
}

/** The fields of params that are secrets, by method. */
export const SECRET_PARAMS: Readonly<Record<string, readonly string[]>> = {
  "auth/login": ["apiKey"],
  "auth/submitCallback": ["url"],
  "auth/loginPrompt": ["url", "completeUrl", "userCode"],
};

/** The requests whose result is a secret. */
export const SECRET_RESULTS: ReadonlySet<string> = new Set(["auth/credential"]);
