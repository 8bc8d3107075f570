import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from '../browser/local.js';
import { servePages } from './pages.js';
import { faults } from './proxy.js';
import { arrived, consent, delivered, large, odd, order, repeated, stage, waited } from './story.js';

const story = { odd, order, large, consent };
const sent = { identify: 1, track: 4, page: 1, group: 1, alias: 1 };
const total = 8;
let browser, pages;

before(async () => { [browser, pages] = await Promise.all([startBrowser(), servePages()]); });
after(async () => { await browser.close(); await pages.stop(); });

/** A page of a visitor, which may talk to its own server and to the proxy alone. */
async function visit(t, { proxy }, script) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const elsewhere = [];
  page.on('request', (request) => {
    if (![pages.url, proxy.url, 'data:'].some((allowed) => request.url().startsWith(allowed))) elsewhere.push(request.url());
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(elsewhere, []);
  });
  await page.goto(pages.url + '/');
  if (script) await page.addScriptTag({ url: script });
  return page;
}

function sameAsTold(events, values = odd) {
  const named = (name) => events.find((e) => e.event === name);
  assert.deepEqual(named('Odd Values').properties, values);
  assert.deepEqual(named('Order Completed').properties, order);
  assert.deepEqual(named('Large').properties, large);
  assert.equal(events.find((e) => e.type === 'identify').traits.name, 'Леся');
  for (const e of events) assert.ok(!e.userId, 'a browser proved a user id');
}

const asksFor = (proxy, header) => proxy.preflights().some((r) => r.headers['access-control-request-headers'].split(',').includes(header));

/** Tells the story through Segment's SDK; resolves to the visitor's node. */
function tellSegment(page, cdnURL, options = {}) {
  return page.evaluate(async ([cdn, init, { odd: values, ...tell }]) => {
    const analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: 'demo-write', cdnURL: cdn }, init);
    await analytics.identify('lesia-1', { name: 'Леся' });
    await Promise.all([
      analytics.track('Odd Values', values),
      analytics.track('Order Completed', tell.order),
      analytics.track('Large', tell.large),
      analytics.track('Consent', {}, { context: { consent: tell.consent } }),
      analytics.page('Home'),
      analytics.group('g-1', { plan: 'pro' }),
      analytics.alias('lesia-2'),
    ]);
    return 'anonymousId:' + (await analytics.user()).anonymousId();
  }, [cdnURL, options, story]);
}

test('Segment for browsers', async (t) => {
  const place = await stage(t, faults);
  const page = await visit(t, place, pages.url + '/segment/index.js');
  const node = await tellSegment(page, place.proxy.url);
  await delivered(place.proxy, total);

  const events = await arrived(place, node, sent);
  sameAsTold(events);
  assert.deepEqual(events.find((e) => e.event === 'Consent').context.consent, consent);
  waited(repeated(place.proxy)); // it sees Retry-After, since that is exposed
  for (const { headers } of place.proxy.deliveries()) {
    assert.match(headers['content-type'], /^text\/plain/);
    assert.match(headers.authorization, /^Basic /);
  }
  assert.ok(asksFor(place.proxy, 'authorization'));
  assert.ok(place.proxy.deliveries().some((r) => r.headers['x-retry-count']));
});

test('Segment for browsers, without preflights', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place, pages.url + '/segment/index.js');
  const node = await tellSegment(page, place.proxy.url + '/k/demo-write');
  await delivered(place.proxy, total);

  sameAsTold(await arrived(place, node, sent));
  assert.deepEqual(place.proxy.preflights(), []);
  for (const { path, headers } of place.proxy.deliveries()) {
    assert.match(path, /^\/k\/demo-write\/v1\/[a-z]$/);
    assert.equal(headers.authorization, undefined);
  }
});

test('Segment for browsers, in batches', async (t) => {
  const place = await stage(t, faults);
  const page = await visit(t, place, pages.url + '/segment/index.js');
  const deliveryStrategy = { strategy: 'batching', config: { size: 4, timeout: 300 } };
  const node = await tellSegment(page, place.proxy.url, { integrations: { 'Segment.io': { deliveryStrategy } } });
  await delivered(place.proxy, total);

  sameAsTold(await arrived(place, node, sent));
  repeated(place.proxy);
  assert.ok(place.proxy.deliveries().every((r) => r.path === '/v1/b'));
});

test('Segment for browsers, by its snippet', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place);
  await page.evaluate((cdn) => { // what the snippet leaves for the script that it loads
    window.analytics = Object.assign([['identify', 'lesia-1', { name: 'Леся' }], ['page', 'Home']], { _writeKey: 'demo-write', _cdn: cdn });
  }, place.proxy.url);
  await page.addScriptTag({ url: pages.url + '/segment/standalone.js' });
  await delivered(place.proxy, 2);
  await arrived(place, 'anonymousId:' + await page.evaluate(() => window.analytics.user().anonymousId()), { identify: 1, page: 1 });
});

test('Segment for browsers, with a key that is not in force', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place, pages.url + '/segment/index.js');
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await page.evaluate((cdnURL) => {
    const analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: 'old-key-1', cdnURL });
    analytics.track('Lost').catch(() => {});
    return analytics.catch(() => {});
  }, place.proxy.url);
  assert.ok(said.some((text) => text.includes('unknown_key')), said.join('\n'));
  assert.deepEqual(place.proxy.deliveries(), []);
});

/** Tells the story through RudderStack's SDK; resolves to the visitor's node. */
function tellRudder(page, url, options = {}) {
  return page.evaluate(async ([address, load, { odd: values, ...tell }]) => {
    const analytics = new window.rudderanalytics.RudderAnalytics();
    await new Promise((onLoaded) => { analytics.load('demo-write', address, { configUrl: address, onLoaded, ...load }); });
    analytics.identify('lesia-1', { name: 'Леся' });
    analytics.track('Odd Values', values);
    analytics.track('Order Completed', tell.order);
    analytics.track('Large', tell.large);
    analytics.track('Consent', {});
    analytics.page('Home');
    analytics.group('g-1', { plan: 'pro' });
    analytics.alias('lesia-2');
    return 'anonymousId:' + analytics.getAnonymousId();
  }, [url, options, story]);
}

const { nothing, ...withoutNull } = odd; // RudderStack's SDK leaves out what is null

test('RudderStack for browsers', async (t) => {
  const place = await stage(t, faults);
  const page = await visit(t, place, pages.url + '/rudder/index.js');
  const node = await tellRudder(page, place.proxy.url);
  await delivered(place.proxy, total);

  sameAsTold(await arrived(place, node, sent), withoutNull);
  waited(repeated(place.proxy));
  assert.ok(asksFor(place.proxy, 'anonymousid'));
  assert.ok(place.proxy.deliveries().some((r) => r.headers['rsa-retry-attempt']));
});

test('RudderStack for browsers, by beacon', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place, pages.url + '/rudder/index.js');
  const node = await tellRudder(page, place.proxy.url, { useBeacon: true, beaconQueueOptions: { flushQueueInterval: 300 } });
  await delivered(place.proxy, total);

  sameAsTold(await arrived(place, node, sent), withoutNull);
  assert.ok(place.proxy.deliveries().every((r) => r.path.startsWith('/beacon/v1/batch?writeKey=demo-write')));
});

test('Jitsu for browsers', async (t) => {
  const place = await stage(t);
  const page = await visit(t, place);
  await page.evaluate(() => { window.jitsuConfig = { writeKey: 'demo-write:unused', initOnly: true }; });
  await page.addScriptTag({ url: pages.url + '/jitsu/p.js.txt' });
  const node = await page.evaluate(async ([host, { odd: values, ...tell }]) => {
    const analytics = window.jitsu;
    analytics.configure({ host, privacy: { ipPolicy: 'remove' } }); // the script takes its own address for the host
    await analytics.identify('lesia-1', { name: 'Леся' });
    await analytics.track('Odd Values', values);
    await analytics.track('Order Completed', tell.order);
    await analytics.track('Large', tell.large);
    await analytics.track('Consent', {});
    await analytics.page({ name: 'Home' });
    await analytics.group('g-1', { plan: 'pro' });
    return 'anonymousId:' + analytics.user().anonymousId;
  }, [place.proxy.url, story]);
  await delivered(place.proxy, 7);

  sameAsTold(await arrived(place, node, { identify: 1, track: 4, page: 1, group: 1 }));
  assert.ok(place.proxy.deliveries().every((r) => r.path.startsWith('/api/s/')));
  assert.ok(asksFor(place.proxy, 'x-write-key'));
  assert.ok(asksFor(place.proxy, 'x-ip-policy'));
});
