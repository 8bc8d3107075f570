// What the browser snippet promises: default content when Rapport is late or
// down, no event lost or sent for people who ask for privacy, no markup from
// content.
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { eventually, startBrowser, startRapport, visitor } from './local.js';

let rapport, browser, page, context, events;

before(async () => { [rapport, browser] = await Promise.all([startRapport(), startBrowser()]); });
after(async () => {
  await browser?.close();
  await rapport?.stop();
});
beforeEach(async () => {
  ({ page, context } = await visitor(browser, rapport.url));
  events = [];
});
afterEach(() => context.close());

/** Answers the event route in Rapport's place and keeps what was sent. */
const listen = (answer = { json: { success: true, accepted: 1 } }) => context.route('**/v1/batch', (route) => {
  events.push(...JSON.parse(route.request().postData()).batch);
  return typeof answer === 'function' ? answer(route) : route.fulfill(answer);
});
/** Answers decide in Rapport's place. */
const choose = (content, block = 'a-block') => context.route('**/v1/decide', (route) => {
  const { slots } = JSON.parse(route.request().postData());
  return route.fulfill({ json: { decisions: slots.map((slot) => ({ slot, block, content, receipt: 'receipt-' + slot })), strategy: '1' } });
});
const title = () => page.locator('[data-slot=hero] h1').textContent();
const named = (name) => events.filter((e) => e.event === name);
const queueIsEmpty = () => page.evaluate(() => localStorage.getItem('rapport.queue') === '[]');
/** Replaces the patient visitor by one with the snippet's own limit of 400 ms. */
async function asItIs() {
  await context.close();
  ({ page, context } = await visitor(browser, rapport.url, { patience: 0 }));
}
const byDefault = 'Tea that takes its time';

test('when the answer is late, the default content shows and stays', async (t) => {
  await asItIs();
  await listen();
  let release;
  const held = new Promise((done) => { release = done; });
  await context.route('**/v1/decide', async (route) => {
    await held;
    await route.fulfill({ json: { decisions: [{ slot: 'hero', block: 'late', content: { title: 'Too late' }, receipt: 'late' }] } }).catch(() => {});
  });
  await page.addInitScript(() => { // looks as soon as the slot is there
    new MutationObserver((_, observer) => {
      const hero = document.querySelector('[data-slot=hero]');
      if (!hero) return;
      window.hiddenAtFirst = getComputedStyle(hero).visibility;
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto('/');
  await page.locator('[data-slot=hero] h1').waitFor({ state: 'visible' });
  t.diagnostic(`default content after ${Math.round(await page.evaluate(() => performance.now()))} ms`);
  assert.equal(await page.evaluate(() => window.hiddenAtFirst), 'hidden');
  release();
  await eventually('the page event leaves', () => events.some((e) => e.type === 'page'));
  await page.evaluate(() => rapport.flush());
  assert.equal(await title(), byDefault);
  assert.deepEqual(named('Promotion Viewed'), []);
});

test('an answer that comes before the page is not shown after the default content', async () => {
  await asItIs();
  await listen();
  await choose({ title: 'Too late' });
  let release;
  const held = new Promise((done) => { release = done; });
  await context.route('**/shop.js', async (route) => { // the page is not ready without it
    await held;
    await route.continue();
  });
  await page.goto('/', { waitUntil: 'commit' });
  await page.locator('[data-slot=hero] h1').waitFor({ state: 'visible' });
  release();
  await eventually('the page event leaves', () => events.some((e) => e.type === 'page'));
  assert.equal(await title(), byDefault);
});

test('content comes before events', async () => {
  await listen();
  let before;
  await context.route('**/v1/decide', async (route) => {
    await page.waitForFunction(() => localStorage.getItem('rapport.queue'));
    await page.evaluate(() => new Promise((done) => { setTimeout(done, 60); })); // longer than events wait for company
    before = events.length;
    await route.fulfill({ json: { decisions: [] } });
  });
  await page.goto('/');
  await eventually('the page event leaves', () => events.length > 0);
  assert.equal(before, 0);
});

test('when Rapport is down, the shop is just a shop', async () => {
  await context.route('**/v1/**', (route) => route.abort());
  await page.goto('/');
  await page.locator('[data-slot=hero] h1').waitFor({ state: 'visible' });
  assert.equal(await title(), byDefault);
});

test('an exposure is told when half of the slot is seen, once, with its receipt', async () => {
  await listen();
  await choose({ title: 'Chosen', text: 'For you', link: '/shop/cart', label: 'Look' });
  await page.goto('/');
  await eventually('the hero is seen', () => named('Promotion Viewed').length > 0);
  assert.deepEqual(named('Promotion Viewed').map((e) => e.properties),
    [{ promotion_id: 'a-block', creative: 'hero', receipt: 'receipt-hero' }]);
  await page.locator('[data-slot=banner]').scrollIntoViewIfNeeded();
  await eventually('the banner is seen', () => named('Promotion Viewed').length > 1);
  await page.locator('[data-slot=hero]').scrollIntoViewIfNeeded();
  await page.locator('[data-slot=hero] a').click();
  await page.waitForURL('**/shop/cart');
  await eventually('the click arrives', () => named('Promotion Clicked').length > 0);
  assert.deepEqual(named('Promotion Clicked')[0].properties, { promotion_id: 'a-block', creative: 'hero', receipt: 'receipt-hero' });
  const heroes = named('Promotion Viewed').filter((e) => e.properties.creative === 'hero');
  assert.equal(new Set(heroes.map((e) => e.messageId)).size, 1);
});

test('an event that could not be delivered is sent again, under its own id', async () => {
  let down = true;
  await choose({ title: 'Chosen' });
  await listen((route) => (down ? route.fulfill({ status: 503, body: '' }) : route.fulfill({ json: { success: true } })));
  await page.goto('/');
  await eventually('a first try', () => events.length > 0);
  const [first] = events.filter((e) => e.type === 'page');
  await page.goto('/shop/cart'); // the queue outlives its page
  down = false;
  events = [];
  await eventually('a second try', () => events.some((e) => e.messageId === first.messageId));
  const again = events.find((e) => e.messageId === first.messageId);
  assert.equal(again.timestamp, first.timestamp);
  await eventually('the queue is empty', queueIsEmpty);
});

test('events of a page that is left at once leave with it', async () => {
  await asItIs(); // a test that steps between page and server would hold them up
  await page.goto('/');
  const node = 'anonymousId:' + await page.evaluate(() => rapport.anonymousId());
  await eventually('the page event leaves', queueIsEmpty);
  await page.evaluate(() => {
    window.setTimeout = () => 0; // so that nothing leaves before the page does
    rapport.track('Left At Once');
    location.assign('/shop/img/icon.svg'); // where no script could send it later
  });
  await page.waitForURL('**/icon.svg');
  await eventually('it arrives, once', async () => {
    const timeline = await rapport.get('/v1/people/' + encodeURIComponent(node) + '/timeline');
    return timeline?.events.filter((e) => e.event === 'Left At Once').length === 1;
  });
});

test('Global Privacy Control: content, but no events and nothing kept', async () => {
  await listen();
  await choose({ title: 'Chosen for strangers' });
  await page.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }));
  const asked = page.waitForRequest('**/v1/decide');
  await page.goto('/');
  assert.equal(JSON.parse((await asked).postData()).anonymousId, undefined);
  await page.waitForFunction(() => document.querySelector('[data-slot=hero] h1').textContent === 'Chosen for strangers');
  await page.goto('/shop/tea/fireweed');
  await page.getByRole('button', { name: 'Add to basket' }).click();
  await page.evaluate(() => rapport.flush());
  await page.goto('/');
  assert.deepEqual(events, []);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('rapport.'))), []);
});

test('content is text and addresses, never markup or script', async () => {
  await listen();
  await choose({ title: '<img src=x onerror=alert(1)>', text: '<b>bold</b>', image: 'data:image/svg+xml,x', link: 'javascript:alert(1)', label: 'Go', lang: 'uk' });
  await page.goto('/');
  await page.waitForFunction(() => document.querySelector('[data-slot=hero]').lang === 'uk');
  assert.equal(await title(), '<img src=x onerror=alert(1)>');
  assert.equal(await page.locator('[data-slot=hero] b').count(), 0);
  assert.equal(await page.locator('[data-slot=hero] img').isVisible(), false);
  assert.equal(await page.locator('[data-slot=hero] a').isVisible(), false);
});

test('a visitor whom another analytics script knows keeps that id', async () => {
  await listen();
  await choose({ title: 'Chosen' });
  const known = '0c8a9f0e-5b1d-4c57-9d0a-3a8d4b7c1e22';
  await context.addCookies([{ name: 'ajs_anonymous_id', value: known, url: rapport.url }]);
  await page.goto('/');
  await eventually('the page event leaves', () => events.length > 0);
  assert.equal(events[0].anonymousId, known);
  await page.evaluate(() => rapport.reset());
  assert.notEqual(await page.evaluate(() => rapport.anonymousId()), known);
});

test('without script the page is complete', async () => {
  const { page: plain } = await visitor(browser, rapport.url, { javaScriptEnabled: false });
  await plain.goto('/');
  assert.equal(await plain.locator('[data-slot=hero] h1').textContent(), byDefault);
  assert.ok(await plain.locator('[data-slot=hero] h1').isVisible());
  await plain.context().close();
});

test('a refused proof is renewed, for content and for events', async () => {
  await page.goto('/shop/account');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(rapport.url + '/');
  const { id, proof } = await page.evaluate(() => rapport.user());

  const old = proof.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  const bad = (route) => route.request().postData().includes(old);
  await context.route('**/v1/decide', (route) => (bad(route)
    ? route.fulfill({ status: 401, json: { error: { code: 'bad_proof' } } })
    : route.fulfill({ json: { decisions: [{ slot: 'hero', block: 'b', content: { title: 'For ' + id }, receipt: 'r' }] } })));
  await listen((route) => {
    const { batch } = JSON.parse(route.request().postData());
    const rejected = bad(route) ? batch.map((e, index) => ({ index, messageId: e.messageId, code: 'bad_proof' })) : [];
    return route.fulfill({ json: { success: true, accepted: batch.length - rejected.length, rejected } });
  });
  const spoil = () => page.evaluate(([user, spoilt]) => localStorage.setItem('rapport.user', JSON.stringify({ id: user, proof: spoilt })), [id, old]);

  await spoil();
  await page.reload();
  await page.waitForFunction((user) => document.querySelector('[data-slot=hero] h1').textContent === 'For ' + user, id);

  await eventually('the queue is empty', queueIsEmpty);
  await spoil();
  await page.evaluate(() => rapport.track('After Renewal'));
  await eventually('it is sent with a good proof', () => named('After Renewal').some((e) => e.context.proof !== old));
  assert.ok(named('After Renewal').some((e) => e.context.proof === old), 'the old proof was never tried');
  assert.equal(new Set(named('After Renewal').map((e) => e.messageId)).size, 1);
});

for (const [name, renewal, userAfter] of [
  ['a proof that nobody renews ends the sign-in, and loses no event', { status: 401, json: {} }, undefined],
  ['a proof that is refused again and again loses no event', { json: { userId: 'ada-1', proof: 'refused-too' } }, 'ada-1'],
]) {
  test(name, async () => {
    await choose({ title: 'Chosen' });
    await context.route('**/shop/session', (route) => route.fulfill(renewal));
    await listen((route) => {
      const { batch } = JSON.parse(route.request().postData());
      const rejected = batch.filter((e) => e.context.proof).map((e) => ({ messageId: e.messageId, code: 'bad_proof' }));
      return route.fulfill({ json: { success: true, accepted: batch.length - rejected.length, rejected } });
    });
    await page.goto('/');
    await page.evaluate(() => {
      rapport.identify('ada-1', {}, 'h.' + btoa(JSON.stringify({ exp: Date.now() / 1000 + 3600 })) + '.s');
      rapport.track('Still Counted');
    });
    await eventually('it is sent without the proof', () => named('Still Counted').some((e) => !e.context.proof));
    assert.ok(named('Still Counted').some((e) => e.context.proof));
    assert.equal(new Set(named('Still Counted').map((e) => e.messageId)).size, 1);
    assert.equal(await page.evaluate(() => rapport.user().id), userAfter);
    await eventually('the queue is empty', queueIsEmpty);
  });
}

test('two people at one browser are two visitors', async () => {
  await listen();
  await choose({ title: 'Chosen' });
  await page.goto('/');
  const ids = await page.evaluate(() => {
    const seen = [rapport.anonymousId()];
    for (const user of ['ada-1', 'ada-1', 'bob-2']) {
      rapport.identify(user, {}, 'a-proof');
      seen.push(rapport.anonymousId());
    }
    return seen;
  });
  assert.equal(new Set(ids.slice(0, 3)).size, 1);
  assert.notEqual(ids[3], ids[0]);
  await eventually('three sign-ins arrive', () => events.filter((e) => e.type === 'identify').length === 3);
  assert.deepEqual(events.filter((e) => e.type === 'identify').map((e) => [e.userId, e.anonymousId]),
    [['ada-1', ids[0]], ['ada-1', ids[0]], ['bob-2', ids[3]]]);
});
