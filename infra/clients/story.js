// What the clients are told to send, and how it is found again.
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { startRapport } from '../browser/local.js';
import { faults, startProxy } from './proxy.js';

/** Values that some client, proxy or store might spoil. */
export const odd = {
  text: 'Крамниця чаю “№ 1” 🫖\u2028 \u202eabc <b>&amp;</b> \\ " \u0000 \u0007',
  empty: '', nothing: null, no: false, list: [[], {}, [1, 'two', null]], nested: { a: { b: { c: [{ d: 'ї' }] } } },
  largest: Number.MAX_SAFE_INTEGER, large: 1e21, small: 5e-7, fraction: 0.1 + 0.2, negative: -1.5,
  'a.b': 1, $where: '1', 'ключ з пробілами': '✓',
};

export const order = {
  order_id: 'o-1', currency: 'UAH', revenue: 1999.9,
  products: [{ product_id: 'p-1', sku: 'S-1', price: 10, quantity: 3 }, { product_id: 'p-2', name: 'Чай', price: 0.1 }],
};

/** An event of a little under the 32 KB that one may have. */
export const large = { text: 'ж'.repeat(15_000) };

export const consent = { categoryPreferences: { Advertising: false, Functional: true } };

/** Starts Rapport and a proxy in front of it, for one test. */
export async function stage(t, plan) {
  const rapport = await startRapport();
  t.after(() => rapport.stop());
  const proxy = await startProxy(rapport.url, plan);
  t.after(() => proxy.stop());
  return { rapport, proxy };
}

const count = (list, of) => list.reduce((sum, item) => sum + of(item), 0);

/** How many events there are of each type. */
export function kinds(events) {
  const out = {};
  for (const { type } of events) out[type] = (out[type] ?? 0) + 1;
  return out;
}

/** All events of a person, oldest first, after Rapport is done with them. */
export async function timeline(rapport, node) {
  await rapport.post('/local/settle');
  const events = [];
  let after = '';
  do {
    const page = await rapport.get(`/v1/people/${encodeURIComponent(node)}/timeline?limit=500&after=${encodeURIComponent(after)}`);
    assert.ok(page, `nobody is ${node}`);
    events.push(...page.events);
    after = page.next ?? '';
  } while (after);
  return events.reverse();
}

/**
 * Resolves when the client has got a good answer for `n` different events. It is
 * patient: clients wait longer from try to try, and machines may be busy.
 */
export async function delivered(proxy, n) {
  let ids;
  for (let tries = 0; tries < 400; tries++) {
    ids = new Set(proxy.deliveries().filter((r) => r.answeredAt && !r.fault).flatMap((r) => r.events.map((e) => e.messageId)));
    if (ids.size >= n) return;
    await wait(100);
  }
  assert.fail(`${ids.size} of ${n} events are delivered`);
}

/**
 * Holds that the person has exactly `sent` events of each kind, that none was
 * refused or doubtful, and that what was sent again was told from what was new.
 * Returns the events.
 */
export async function arrived({ rapport, proxy }, node, sent, { declined = 0 } = {}) {
  const events = await timeline(rapport, node);
  assert.deepEqual(kinds(events), sent);
  assert.equal(new Set(events.map((e) => e.messageId)).size, events.length);
  assert.deepEqual(events.filter((e) => e.verdict).map((e) => [e.type, e.verdict]), []);

  const taken = proxy.deliveries();
  for (const { path, status, answer } of taken) {
    assert.equal(status, 200, path);
    assert.deepEqual(answer.rejected ?? [], [], path);
    assert.deepEqual(answer.noted ?? [], [], path);
  }
  const distinct = new Set(taken.flatMap((r) => r.events.map((e) => e.messageId)));
  assert.equal(distinct.size, events.length + declined, 'events on the wire');
  const meter = await rapport.get('/local/meter');
  assert.equal(meter.events.count, count(taken, (r) => r.answer.accepted), 'events on the meter');
  const stuck = (await rapport.get('/local/queues')).filter((q) => q.visible || q.inFlight || q.delayed || q.dead.length);
  assert.deepEqual(stuck, []);
  return events;
}

/** Holds that each fault of the plan happened and made the client send again. */
export function repeated(proxy) {
  const tries = proxy.deliveries();
  const spoilt = tries.filter((r) => r.fault);
  assert.deepEqual(spoilt.map((r) => r.fault).sort(), [...faults].sort());
  for (const first of spoilt) {
    for (const { messageId } of first.events) {
      first.next = tries.find((r) => r.at > first.at && r.events.some((e) => e.messageId === messageId));
      assert.ok(first.next, `after a ${first.fault}, an event of ${first.path} was not sent again`);
    }
  }
  return spoilt;
}

/** Holds that a client waited as long as Retry-After asked it to. */
export function waited(spoilt) {
  const limited = spoilt.filter((r) => r.fault === 'rate limit');
  assert.ok(limited.length > 0);
  for (const r of limited) {
    assert.ok(r.next.at - r.answeredAt > 900, `sent again after ${Math.round(r.next.at - r.answeredAt)} ms, asked for 1 s`);
  }
}
