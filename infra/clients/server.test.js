import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { jitsuAnalytics } from '@jitsu/js';
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { Analytics } from '@segment/analytics-node';
import OldAnalytics from 'analytics-node';
import { faults } from './proxy.js';
import { arrived, consent, delivered, large, odd, order, repeated, stage, waited } from './story.js';

const user = 'u-Ї 1';
const days = (n) => new Date(Date.now() - n * 86_400_000);
const many = 30;
const total = many + 9;
const sent = { identify: 1, track: many + 4, page: 1, screen: 1, group: 1, alias: 1 };

/** The story, in the words that all three SDKs for servers share. */
function tell(client) {
  client.identify({ userId: user, anonymousId: 'visitor-1', traits: { name: 'Леся', age: 42, address: { city: 'Київ' } } });
  client.track({ userId: user, event: 'Odd Values', properties: odd });
  client.track({ userId: user, event: 'Order Completed', properties: order, timestamp: days(400) });
  client.track({ userId: user, event: 'Large', properties: large });
  client.track({ userId: user, event: 'Consent', context: { consent }, properties: {} });
  client.page({ userId: user, name: 'Home', properties: { url: 'https://shop.example.com/?q=чай' } });
  client.screen({ userId: user, name: 'Basket', properties: {} });
  client.group({ userId: user, groupId: 'g-1', traits: { plan: 'pro' } });
  client.alias({ userId: user, previousId: 'visitor-2' });
  for (let n = 0; n < many; n++) client.track({ userId: user, event: 'Counted', properties: { n } });
}

function sameAsTold(events) {
  const named = (name) => events.find((e) => e.event === name);
  assert.deepEqual(named('Odd Values').properties, odd);
  assert.deepEqual(named('Order Completed').properties, order);
  assert.deepEqual(named('Large').properties, large);
  assert.deepEqual(named('Consent').context.consent, consent);
  assert.equal(named('Order Completed').timestamp.slice(0, 10), days(400).toISOString().slice(0, 10));
  assert.deepEqual(events.filter((e) => e.event === 'Counted').map((e) => e.properties.n).sort((a, b) => a - b), [...Array(many).keys()]);
  assert.deepEqual(events.find((e) => e.type === 'identify').traits, { name: 'Леся', age: 42, address: { city: 'Київ' } });
}

test('Segment for Node', async (t) => {
  const place = await stage(t, faults);
  const client = new Analytics({ writeKey: place.rapport.secret, host: place.proxy.url });
  tell(client);
  client.track({ userId: user, event: 'Not For Us', integrations: { All: false } });
  client.track({ userId: user, event: 'Not For Us', integrations: { Rapport: false } });
  client.track({ userId: user, event: 'For Us Alone', integrations: { All: false, Rapport: true } });
  await client.closeAndFlush({ timeout: 30_000 });
  await delivered(place.proxy, total + 3);

  const events = await arrived(place, 'userId:' + user, { ...sent, track: sent.track + 1 }, { declined: 2 });
  sameAsTold(events);
  assert.ok(!events.some((e) => e.event === 'Not For Us'));
  waited(repeated(place.proxy));
  assert.ok(place.proxy.deliveries().some((r) => r.headers['x-retry-count']));
});

test('Segment for Node, before its rewrite', async (t) => {
  const place = await stage(t, faults);
  const client = new OldAnalytics(place.rapport.secret, { host: place.proxy.url, flushAt: 15 });
  tell(client);
  while (client.queue.length) await client.flush();
  await delivered(place.proxy, total);

  sameAsTold(await arrived(place, 'userId:' + user, sent));
  repeated(place.proxy);
});

test('RudderStack for Node', async (t) => {
  const place = await stage(t, faults);
  const client = new RudderAnalytics(place.rapport.secret, { dataPlaneUrl: place.proxy.url });
  tell(client);
  await client.flush();
  await delivered(place.proxy, total);

  sameAsTold(await arrived(place, 'userId:' + user, sent));
  waited(repeated(place.proxy));
  for (const { headers, packed } of place.proxy.deliveries()) {
    assert.ok(packed);
    assert.equal(headers['content-encoding'], 'gzip');
    assert.match(headers['content-type'], /^application\/x-www-form-urlencoded/);
  }
});

test('Segment for Go', async (t) => {
  const place = await stage(t, faults);
  await promisify(execFile)('go', ['run', '.', place.proxy.url], {
    cwd: fileURLToPath(new URL('analyticsgo', import.meta.url)),
    env: { ...process.env, RAPPORT_SECRET_KEY: place.rapport.secret },
  });

  const events = await arrived(place, 'userId:go-1', { identify: 1, track: many + 3, page: 1, screen: 1, group: 1, alias: 1 });
  repeated(place.proxy);
  assert.ok(place.proxy.deliveries().some((r) => r.sent.batch.some((e) => e.properties?.products?.[0].sky === 'S-1')));
  const bought = events.find((e) => e.event === 'Order Completed');
  assert.deepEqual(bought.properties.products, [{ product_id: 'p-1', sku: 'S-1', price: 10 }, { product_id: 'p-2', name: 'Чай', price: 0.5 }]);
  assert.equal(bought.context.library.name, 'analytics-go'); // the batch says it, for all its events
  assert.equal(events.find((e) => e.event === 'Large').properties.text.length, 15_000);

  // Numbers that JavaScript would round keep their digits.
  const raw = await fetch(`${place.rapport.url}/v1/people/userId:go-1/timeline`, { headers: { Authorization: 'Bearer ' + place.rapport.secret } });
  assert.match(await raw.text(), /"largest":9223372036854775807,.*"unsigned":18446744073709551615/);
});

for (const [name, s2s, path] of [['Jitsu for Node', false, '/api/s/'], ['Jitsu for Node, as a server', true, '/api/s/s2s/']]) {
  test(name, async (t) => {
    const place = await stage(t); // it never sends again: nothing to spoil
    const client = jitsuAnalytics({ host: place.proxy.url, writeKey: place.rapport.secret + ':unused', s2s, errorPolicy: 'rethrow' });
    await client.setAnonymousId('visitor-1');
    await client.identify(user, { name: 'Леся' });
    await client.track('Odd Values', odd);
    await client.track('Order Completed', order);
    await client.track('Large', large);
    await client.page({ name: 'Home' });
    await client.group('g-1', { plan: 'pro' });

    const events = await arrived(place, 'userId:' + user, { identify: 1, track: 3, page: 1, group: 1 });
    for (const { path: at, sent: body, headers } of place.proxy.deliveries()) {
      assert.ok(at.startsWith(path), at);
      assert.equal(headers['x-write-key'], place.rapport.secret + ':unused');
      assert.match(body.writeKey ?? '***', /\*\*\*$/);
    }
    assert.deepEqual(events.find((e) => e.event === 'Odd Values').properties, odd);
    assert.deepEqual(events.find((e) => e.event === 'Order Completed').properties, order);
    assert.equal(events.find((e) => e.type === 'page').event, 'Home');
  });
}
