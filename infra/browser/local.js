// Starts what the tests need: `rapport local` with an empty data folder on a
// free port, and Chromium with an empty profile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));
const repository = path.resolve(here, '../..');
const binary = path.resolve(process.env.RAPPORT_BIN || path.join(repository, 'bin/rapport'));
const secret = 'secret-of-the-browser-tests';

export const screenshots = path.join(here, 'screenshots');

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts a DynamoDB engine with no table in it, if the tests are to run on one
 * (ENGINE=dynoxide), and resolves to what tells Rapport of it.
 */
async function startEngine() {
  if (!process.env.ENGINE) return { settings: {}, end() {} };
  const port = await freePort();
  const program = path.join(repository, 'infra/engines/node_modules/@dynoxide/linux-x64/dynoxide');
  const engine = spawn(program, ['serve', '--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' });
  engine.once('error', (error) => { throw new Error(`${program}: ${error.message}; run "make tools" first`); });
  const url = 'http://127.0.0.1:' + port;
  for (let tries = 0; !(await fetch(url).catch(() => false)); tries++) {
    if (engine.exitCode !== null || tries > 300) throw new Error(program + ' does not answer');
    await wait(100);
  }
  return { settings: { DYNAMODB_ENDPOINT: url }, end: () => engine.kill('SIGKILL') };
}

/** Starts Rapport and resolves when it is ready to {url, secret, get, post, stop}. */
export async function startRapport() {
  const engine = await startEngine();
  const data = await mkdtemp(path.join(tmpdir(), 'rapport-browser-'));
  const url = 'http://127.0.0.1:' + await freePort();
  const process_ = spawn(binary, ['local'], {
    cwd: repository,
    env: { ...process.env, PORT: new URL(url).port, RAPPORT_DATA: data, RAPPORT_SECRET_KEY: secret, ...engine.settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [process_.stdout, process_.stderr]) stream.on('data', (chunk) => { log += chunk; });
  const ended = new Promise((done) => {
    process_.once('error', (error) => { log += error.message; done(); });
    process_.once('exit', done);
  });

  const ready = async () => (await fetch(url + '/local/health').catch(() => ({ ok: false }))).ok;
  for (let tries = 0; !(await ready()); tries++) {
    if (process_.exitCode !== null || process_.pid === undefined || tries > 300) {
      throw new Error(`${binary} is not ready; run "make build" first. It said:\n${log}`);
    }
    await wait(100);
  }

  // Answers of the server's own routes, read with the secret key; undefined for 404.
  const get = async (route) => {
    const answer = await fetch(url + route, { headers: { Authorization: 'Bearer ' + secret } });
    return answer.status === 404 ? undefined : answer.json();
  };
  const post = (route, body = {}) => fetch(url + route, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  });
  const stop = async () => {
    process_.kill('SIGTERM');
    await ended;
    engine.end();
    await rm(data, { recursive: true, force: true });
  };
  return { url, secret, get, post, stop };
}

/** Starts Chromium; it talks to nobody but the page's own server. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** Lets the snippet of a page wait longer than it would by itself. */
async function slowDown(route, patience) {
  if (route.request().resourceType() !== 'document') return route.fallback();
  const response = await route.fetch();
  const body = (await response.text()).replace('data-slots=', `data-timeout="${patience}" data-slots=`);
  return route.fulfill({ response, body });
}

/**
 * Opens a page of a visitor nobody knows, whose snippet waits `patience`
 * milliseconds for content, so that a busy machine changes nothing; 0 leaves the
 * snippet's own limit. `complaints` collects what the console and the page report
 * as errors, and every request to somewhere else.
 */
export async function visitor(browser, url, { patience = 8000, ...options } = {}) {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 900 }, ...options });
  // The outbox has no snippet, and its links lead elsewhere, which fetch would hide.
  const shopPage = ({ pathname }) => !pathname.includes('.') && !pathname.startsWith('/local/');
  if (patience) await context.route(shopPage, (route) => slowDown(route, patience));
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url + '/') && !request.url().startsWith('data:')) complaints.push('asks ' + request.url());
  });
  return { page, context, complaints };
}

/** Resolves with what look() finds as soon as it is truthy; fails after 10 s. */
export async function eventually(what, look) {
  for (let tries = 0; tries < 100; tries++) {
    const found = await look();
    if (found) return found;
    await wait(100);
  }
  throw new Error('never happened: ' + what);
}
