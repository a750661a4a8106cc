// A person in a real Chromium, headless, with a profile of its own.
//
// Reads one JSON object from stdin:
//   {executable, profile, url?, steps: [...], viewport?: {width, height}, colorScheme?, javaScript?}
// and writes one to stdout: {finalUrl, title, text, requests, consoleErrors, failed?: {step, message}}.
// A step is an object with one verb: goto, click, fill: [selector, value], press: [selector, key],
// waitUrl, waitFor, colorScheme, screenshot (a path; with colorScheme, fullPage).

import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', // the tests may run as root
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 127.0.0.2, EXCLUDE localhost',
];
const STEP_LIMIT = 15_000; // ms

const VERBS = {
  goto: (page, url) => page.goto(url),
  click: (page, selector) => page.click(selector),
  fill: (page, [selector, value]) => page.fill(selector, value),
  press: (page, [selector, key]) => page.press(selector, key),
  waitUrl: (page, pattern) => page.waitForURL(pattern),
  waitFor: (page, selector) => page.waitForSelector(selector),
  screenshot: async (page, path, { colorScheme, fullPage = false }) => {
    if (colorScheme) await page.emulateMedia({ colorScheme });
    await page.screenshot({ path, fullPage, animations: 'disabled' });
  },
  colorScheme: (page, colorScheme) => page.emulateMedia({ colorScheme }),
};

async function perform(page, step) {
  const verb = Object.keys(VERBS).find((name) => name in step);
  if (!verb) throw new Error(`no such verb: ${JSON.stringify(step)}`);
  await VERBS[verb](page, step[verb], step);
}

async function visit(context, { url, steps }) {
  const page = context.pages()[0] ?? (await context.newPage());
  const seen = { requests: [], consoleErrors: [] };
  context.on('request', (request) => seen.requests.push(`${request.method()} ${request.url()}`));
  page.on('console', (message) => message.type() === 'error' && seen.consoleErrors.push(message.text()));
  page.on('pageerror', (error) => seen.consoleErrors.push(String(error)));
  context.setDefaultTimeout(STEP_LIMIT);
  for (const step of url ? [{ goto: url }, ...steps] : steps) {
    try {
      await perform(page, step);
    } catch (error) {
      seen.failed = { step, message: error.message };
      break;
    }
  }
  return {
    ...seen,
    finalUrl: page.url(),
    title: await page.title(),
    text: await page.locator('body').innerText(),
  };
}

let input = '';
for await (const chunk of process.stdin) input += chunk;
const { executable, profile, viewport, colorScheme, javaScript = true, ...script } = JSON.parse(input);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: executable,
  headless: true,
  args: FLAGS,
  viewport: viewport ?? { width: 1280, height: 800 },
  colorScheme: colorScheme ?? 'light',
  javaScriptEnabled: javaScript,
});
try {
  process.stdout.write(`${JSON.stringify(await visit(context, script))}\n`);
} finally {
  await context.close();
}
