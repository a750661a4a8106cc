// npm's oidc-provider as an issuer that speaks on the routes of OpenAI's, or, with `own`, as it is.
//
// Usage: node oidc_provider.mjs HOST [own]. Says {"ready": ISSUER} on stdout, then one JSON line for
// each event and for each secret that it mints. Each byte on stdin is answered by {"caughtUp": true}, so
// that a reader knows that it has read the events of the past. Ends with its stdin.

import { createServer } from 'node:http';

// oidc-provider writes notices with console.info; stdout is for our lines alone.
console.info = console.error;
const { default: Provider } = await import('oidc-provider');

const host = process.argv[2] ?? '127.0.0.1';
const asItIs = process.argv[3] === 'own';

const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const OPENAI_CLAIMS = 'https://api.openai.com/auth';
const OPENAI_ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
};
const JSON_ROUTES = asItIs ? [] : [OPENAI_ROUTES.token, OPENAI_ROUTES.revocation];
const FAILURES = ['authorization.error', 'grant.error', 'revocation.error', 'server_error'];
const SUCCESSES = ['authorization.success', 'grant.success'];
const SECRETS = ['authorization_code', 'access_token', 'refresh_token', 'device_code'];
const ONE_DAY = 86_400; // seconds

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const configuration = {
  clients: [
    {
      client_id: CLIENT_ID,
      client_name: 'Codex',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1/auth/callback'], // any port (RFC 8252 section 7.3)
    },
  ],
  scopes: ['openid', 'offline_access', 'api.connectors.read', 'api.connectors.invoke'],
  claims: {
    openid: ['sub', OPENAI_CLAIMS],
    email: ['email', 'email_verified'],
    profile: ['name'],
  },
  conformIdTokenClaims: false, // OpenAI's id tokens carry the claims themselves
  findAccount: (ctx, email) => ({
    accountId: email,
    claims: () => ({
      sub: email,
      email,
      email_verified: true,
      name: email.split('@')[0],
      [OPENAI_CLAIMS]: {
        chatgpt_account_id: `account-of-${email}`,
        chatgpt_user_id: `user-of-${email}`,
        chatgpt_plan_type: 'plus',
      },
    }),
  }),
  pkce: { required: () => true },
  issueRefreshToken: () => true, // OpenAI's issuer asks for no prompt=consent
  expiresWithSession: () => false,
  rotateRefreshToken: true, // and a reused refresh token revokes the whole grant
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
  },
  ...(asItIs ? {} : { routes: OPENAI_ROUTES }),
  cookies: { keys: ['a key of the tests'] },
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 60,
    Grant: ONE_DAY,
    IdToken: 3600,
    Interaction: 600,
    RefreshToken: ONE_DAY,
    Session: ONE_DAY,
  },
};

const server = createServer();
await new Promise((listening) => server.listen(0, host, listening));
const issuer = `http://${host}:${server.address().port}`;
const provider = new Provider(issuer, configuration);

for (const event of FAILURES) {
  provider.on(event, (ctx, error) =>
    say({
      event,
      route: ctx.path,
      grant_type: ctx.oidc?.params?.grant_type,
      error: error.error ?? error.name,
      error_description: error.error_description ?? error.message,
      error_detail: error.error_detail,
    }),
  );
}
for (const event of SUCCESSES) {
  provider.on(event, (ctx) => say({ event, route: ctx.path, grant_type: ctx.oidc.params.grant_type }));
}
provider.on('grant.revoked', (ctx) => say({ event: 'grant.revoked', route: ctx.path }));
provider.on('refresh_token.destroyed', () => say({ event: 'refresh_token.destroyed' }));
for (const kind of SECRETS) {
  provider.on(`${kind}.saved`, (artifact) => say({ minted: kind, value: artifact.jti }));
}

// OpenAI's issuer takes JSON at these routes, RFC 6749 and oidc-provider take forms alone.
async function jsonToForm(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  request.body = JSON.parse(Buffer.concat(chunks).toString());
  request.headers['content-type'] = 'application/x-www-form-urlencoded';
}

const answer = provider.callback();
server.on('request', async (request, response) => {
  const isJson = request.headers['content-type']?.startsWith('application/json');
  try {
    if (isJson && JSON_ROUTES.includes(request.url)) await jsonToForm(request);
  } catch {
    response.writeHead(400).end();
    return;
  }
  answer(request, response);
});

process.stdin.on('data', (bytes) => bytes.forEach(() => say({ caughtUp: true })));
process.stdin.on('end', () => process.exit(0));
say({ ready: issuer });
