// OpenFeature's SDKs with their OFREP providers: they read content by
// functions/decide, and track() sends back what was shown and what followed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { startBrowser } from '../browser/local.js';
import { servePages } from './pages.js';
import { arrived, delivered, stage } from './story.js';
import { shown, tracking } from './tracking.js';

const visitor = 'visitor-5f2a9c71e04b';
const order = { order_id: 'o-1', currency: 'UAH', revenue: 600, value: 600 };
let browser, pages;

before(async () => { [browser, pages] = await Promise.all([startBrowser(), servePages()]); });
after(async () => { await browser.close(); await pages.stop(); });

/** Starts a page on which OpenFeature runs, as `OpenFeature` and `client`. */
async function visit(t, { proxy }, key, context) {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(pages.url + '/');
  await page.evaluate(async ([url, writeKey, first]) => {
    const { OpenFeature: sdk } = await import('@openfeature/web-sdk');
    const { OFREPWebProvider } = await import('@openfeature/ofrep-web-provider');
    const { tracking: add, shown: told } = await import('/rapport/tracking.js');
    const Provider = add(OFREPWebProvider, { url, key: writeKey });
    const provider = new Provider({ baseUrl: url, headers: [['Authorization', 'Bearer ' + writeKey]], pollInterval: 0, cacheMode: 'network-first' });
    await sdk.setContext(first);
    await sdk.setProviderAndWait(provider).catch(() => {});
    Object.assign(window, { OpenFeature: sdk, client: sdk.getClient(), shown: told });
  }, [proxy.url, key, context]);
  return page;
}

const details = (page, slot) => page.evaluate((key) => window.client.getObjectDetails(key, { title: 'of the code' }), slot);
const setContext = (page, context) => page.evaluate((next) => window.OpenFeature.setContext(next), context);

/** What the report says of a block. */
async function block(rapport, slot, id) {
  const { slots } = await rapport.get('/v1/reports/blocks');
  return slots.find((s) => s.slot === slot).blocks.find((b) => b.block === id);
}

async function counted(rapport) {
  const { exposures, clicks, people, buyers, orders, value } = await block(rapport, 'hero', 'hero-welcome');
  assert.deepEqual({ exposures, clicks, people, buyers, orders, value }, { exposures: 1, clicks: 1, people: 1, buyers: 1, orders: 1, value: { UAH: '600.00' } });
}

/**
 * Waits until so many events came and were folded. An order is put down to what
 * was seen before it came, and each track is a request of its own.
 */
async function handled({ proxy, rapport }, events) {
  await delivered(proxy, events);
  await rapport.post('/local/settle');
}

test('OpenFeature for browsers', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place, 'demo-write', { targetingKey: visitor, plan: 'pro' });
  const first = await details(page, 'hero');
  assert.deepEqual([first.variant, first.reason, first.flagMetadata.slot], ['hero-welcome', 'DEFAULT', 'hero']);
  assert.match(first.value.title, /Tea that takes its time/);
  assert.equal((await details(page, 'banner')).variant, 'banner-welcome');
  assert.equal((await details(page, 'missing')).errorCode, 'FLAG_NOT_FOUND');
  assert.equal(place.proxy.evaluations().length, 1, 'one request for all flags');

  await page.evaluate((slot) => {
    window.client.track('Promotion Viewed', window.shown(slot));
    window.client.track('Promotion Clicked', window.shown(slot));
  }, first);
  await handled(place, 2);
  await page.evaluate((bought) => window.client.track('Order Completed', bought), order);
  await handled(place, 3);
  const events = await arrived(place, 'anonymousId:' + visitor, { track: 3 });
  assert.deepEqual(events.find((e) => e.event === 'Order Completed').properties, order);
  await counted(place.rapport);

  // The order made a best customer: another answer for the same targeting key.
  await setContext(page, { targetingKey: visitor, plan: 'pro', page: 'account' });
  const then = await details(page, 'hero');
  assert.deepEqual([then.variant, then.reason], ['hero-vip', 'TARGETING_MATCH']);
  // Nothing changed: at the latest when no minute ends in between, it is told so.
  for (let tries = 0; tries < 3 && place.proxy.evaluations().at(-1).status !== 304; tries++) {
    await setContext(page, { targetingKey: visitor, plan: 'pro', page: 'account' });
  }
  const asked = place.proxy.evaluations();
  assert.deepEqual([asked[0].headers['if-none-match'], asked[1].headers['if-none-match']], [undefined, asked[0].etag]);
  assert.deepEqual([asked[0].status, asked[1].status, asked.at(-1).status], [200, 200, 304]);
  assert.equal((await details(page, 'hero')).variant, 'hero-vip');

  await setContext(page, { targetingKey: 'visitor-77d0b1c2a9aa' });
  assert.equal((await details(page, 'hero')).variant, 'hero-welcome');
  assert.ok(place.proxy.preflights().every((r) => r.path.startsWith('/ofrep/')), 'events need no preflight');
  assert.ok(place.proxy.preflights().length > 0);
});

test('OpenFeature for browsers, with a key that is not in force', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place, 'old-key-1', { targetingKey: visitor });
  assert.equal(await page.evaluate(() => window.client.providerStatus), 'FATAL');
  assert.deepEqual((await details(page, 'hero')).value, { title: 'of the code' });
});

test('OpenFeature for browsers, about nobody', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place, 'demo-write', { plan: 'pro' });
  assert.equal(await page.evaluate(() => window.client.providerStatus), 'ERROR');
  await setContext(page, { targetingKey: visitor });
  assert.equal((await details(page, 'hero')).variant, 'hero-welcome');
});

test('OpenFeature for Node', async (t) => {
  const place = await stage(t);
  const { url } = place.proxy;
  const key = place.rapport.secret;
  const Provider = tracking(OFREPProvider, { url, key, asServer: true });
  await OpenFeature.setProviderAndWait(new Provider({ baseUrl: url, headers: [['Authorization', 'Bearer ' + key]] }));
  t.after(() => OpenFeature.close());
  const client = OpenFeature.getClient();
  const user = { targetingKey: 'u-Ї 1', plan: 'pro' };

  const first = await client.getObjectDetails('hero', {}, user);
  assert.deepEqual([first.variant, first.reason, first.flagMetadata.policy], ['hero-welcome', 'DEFAULT', 'fallback']);
  assert.equal((await client.getObjectDetails('missing', {}, user)).errorCode, 'FLAG_NOT_FOUND');
  assert.equal((await client.getStringDetails('hero', 'of the code', user)).errorCode, 'TYPE_MISMATCH');
  assert.equal((await client.getObjectDetails('hero', {}, { plan: 'pro' })).errorCode, 'TARGETING_KEY_MISSING');

  client.track('Promotion Viewed', user, shown(first));
  client.track('Promotion Clicked', user, shown(first));
  await handled(place, 2);
  client.track('Order Completed', user, order);
  await handled(place, 3);
  await arrived(place, 'userId:u-Ї 1', { track: 3 });
  await counted(place.rapport);
  assert.equal((await client.getObjectDetails('hero', {}, user)).variant, 'hero-vip');
  assert.deepEqual(place.proxy.evaluations().map((r) => [r.path.split('/').at(-1), r.status]),
    [['hero', 200], ['missing', 404], ['hero', 200], ['hero', 400], ['hero', 200]]);
});
