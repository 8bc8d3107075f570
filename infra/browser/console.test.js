// The console, as the service lead sees it: sign in, look a customer up, read
// why they may be calling, and preview the site as they see it.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { screenshots, startBrowser, startRapport, visitor } from './local.js';

const phone = { width: 390, height: 844 };
const device = 'console-device-7c1f40a2', tablet = 'console-tablet-93be5510';
const evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{.Secret}}${env}';
let rapport, browser;

before(async () => {
  [rapport, browser] = await Promise.all([startRapport(), startBrowser(), mkdir(screenshots, { recursive: true })]);
});
after(async () => {
  await browser?.close();
  await rapport?.stop();
});

/** Sends calls with a key, an event every two minutes, and waits until they are folded. */
async function send(key, ...calls) {
  for (const call of calls) {
    const answer = await fetch(rapport.url + '/v1/' + call.type, {
      method: 'POST', body: JSON.stringify(call), headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + key },
    });
    assert.equal(answer.status, 200, await answer.text());
    await rapport.post('/local/clock', { advance: '2m' });
  }
  await rapport.post('/local/settle');
}
const track = (event, properties = {}, who = { userId: 'customer-1' }) => ({ type: 'track', event, properties, ...who });

/** A customer with a past, a basket that was left, a mail, and a payment that just failed. */
async function story() {
  const anonymous = { anonymousId: device };
  await send('demo-write',
    { type: 'page', name: 'Home', ...anonymous },
    track('Product Viewed', { name: 'Linden Blossom', category: 'herbal', price: 7.2 }, anonymous),
    track('Products Searched', { query: 'rooibos', results: 0 }, anonymous));
  await send(rapport.secret,
    { type: 'identify', userId: 'customer-1', ...anonymous, messageId: 'signed-in', traits: { name: 'Olena Example', email: 'olena@example.com', country: 'UA', note: evil } },
    track('Order Completed', { order_id: '1001', revenue: 49.4, currency: 'EUR' }),
    track('Order Delivered', { order_id: '1001' }));
  await rapport.post('/local/clock', { advance: '50h' });
  await send(rapport.secret,
    track('Product Reviewed', { product_id: 'linden', rating: 2, review_body: 'Half of the leaves were dust' }),
    track('Order Completed', { order_id: '1002', revenue: 31.4, currency: 'EUR' }),
    track('Product Added', { cart_id: 'B', product_id: 'oolong', name: 'Harvest Oolong', price: 12, quantity: 2 }));
  await rapport.post('/local/clock', { advance: '61m' });
  const [mail] = (await rapport.get('/local/outbox')).filter((m) => m.to === 'olena@example.com');
  assert.ok(mail, 'no mail about the basket');
  const answer = await fetch(rapport.url + '/v1/decide', {
    method: 'POST', body: JSON.stringify({ anonymousId: device, slots: ['hero'] }), headers: { Authorization: 'Bearer demo-write' },
  });
  const { decisions: [{ receipt }] } = await answer.json();
  await send('demo-write', track('Promotion Viewed', { receipt }, anonymous), track('Product Viewed', { name: evil }, { ...anonymous, userId: 'customer-2' }));
  await send(rapport.secret,
    { type: 'identify', userId: 'customer-2', anonymousId: tablet }, { type: 'identify', userId: 'customer-1', anonymousId: tablet },
    track(evil, { name: 'a name that is not one' }),
    track('Checkout Started', { checkout_id: 'c9' }), track('Payment Failed', { checkout_id: 'c9', order_id: '1003', reason: 'card declined' }),
    { type: 'identify', userId: 'customer-1', messageId: 'signed-in', traits: { country: 'PL' } });
  await fetch(rapport.url + '/v1/preferences', {
    method: 'POST', body: JSON.stringify({ userId: 'customer-1', purposes: { marketing: false } }),
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + rapport.secret },
  });
}

/** Keeps pictures of the whole page, as on a desk and as on a phone, light and dark. */
async function shoot(page, name) {
  const before = page.viewportSize();
  for (const [suffix, size, colorScheme] of [['', before, 'light'], ['-phone', phone, 'light'], ['-dark', before, 'dark']]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= size.width, `${name} is ${width} pixels wide on a screen of ${size.width}`);
    await page.screenshot({ path: path.join(screenshots, name + suffix + '.png'), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

const section = (page, name) => page.getByRole('region', { name, exact: true });
const reads = async (page, name, ...texts) => {
  const text = await section(page, name).innerText();
  for (const one of texts) assert.ok(text.includes(one), `“${name}” does not say “${one}”:\n${text}`);
};

test('who calls is known before the phone is picked up', async (t) => {
  await story();
  const before = await rapport.get('/v1/people/userId:customer-1?provenance=1');
  const { page, complaints } = await visitor(browser, rapport.url, { patience: 0, httpCredentials: { username: rapport.secret, password: '' } });

  await t.test('a person is found by the value of an identity', async () => {
    await page.goto('/console/people');
    await shoot(page, 'console-people');
    await page.getByLabel('Find a person by an identity').fill('customer-1');
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByRole('heading', { level: 1, name: 'Olena Example' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/console/people/userId:customer-1');
    await page.goto('/console/people?node=olena%40example.com');
    await page.getByRole('heading', { level: 1, name: 'Olena Example' }).waitFor();
    await page.goto('/console/people/userId:customer-1');
  });

  await t.test('the page says all that is known', async () => {
    await shoot(page, 'console-person');
    await reads(page, 'Before you pick up', 'The payment of order 1003 failed (card declined).', 'Order 1002 of 31.4 EUR was placed',
      'A product was rated 2 of 5: Half of the leaves were dust.', 'cart-reminder', 'Open order');
    const first = await page.locator('.reasons li').first().innerText();
    assert.match(first, /1003 failed/);
    await reads(page, 'What they told us', 'olena@example.com', 'UA', 'signed-in');
    await reads(page, 'What we computed', 'revenue', '80.8', 'sum of revenue or total in Order Completed');
    await reads(page, 'Audiences', 'From Ukraine', 'traits.country == "UA" is true', 'Not in');
    await reads(page, 'Journeys', 'cart-recovery', 'Done: all its steps were taken.', '2 × Harvest Oolong');
    await reads(page, 'Mails', 'cart-reminder', 'Sent');
    await reads(page, 'Consent', 'Reminders and news', 'Said no', 'secret key');
    await reads(page, 'Identities', device, 'by identify', 'are kept apart');
    await reads(page, 'Timeline', 'Order Completed', 'not counted: its message id came before with other content',
      'it claims to be user customer-2, without a proof', 'entered From Ukraine', evil, 'became: active customer');
    assert.equal(await page.locator('script, img').count(), 0);
    await shoot(page, 'console-person');
  });

  await t.test('a reason leads to its event', async () => {
    await page.locator('.reasons a').first().click();
    const event = page.locator('.timeline li:target');
    await event.getByText('Payment Failed').waitFor();
    await event.locator('summary').click();
    await event.getByText('"checkout_id": "c9"').waitFor();
  });

  await t.test('the preview shows what decide would answer', async () => {
    await page.getByRole('link', { name: 'Preview the site as this person' }).click();
    await page.getByRole('heading', { level: 1, name: 'What Olena Example sees' }).waitFor();
    await shoot(page, 'console-preview');
    const answer = await fetch(rapport.url + '/v1/decide', {
      method: 'POST', body: JSON.stringify({ userId: 'customer-1' }), headers: { Authorization: 'Bearer ' + rapport.secret },
    });
    const { decisions } = await answer.json();
    assert.ok(decisions.length > 1);
    for (const { slot, block, explain } of decisions) {
      const seen = section(page, slot);
      assert.equal(await seen.locator('.choice b').first().innerText(), block);
      assert.deepEqual(await seen.locator('.candidates b').allInnerTexts(), explain.map((c) => c.block));
    }
  });

  await t.test('nothing was changed by looking', async () => {
    assert.deepEqual(await rapport.get('/v1/people/userId:customer-1?provenance=1'), before);
  });

  await t.test('who was forgotten is nobody', async () => {
    await fetch(rapport.url + '/v1/people/userId:customer-1', { method: 'DELETE', headers: { Authorization: 'Bearer ' + rapport.secret } });
    const answer = await page.goto('/console/people/userId:customer-1');
    assert.equal(answer.status(), 404);
    await page.getByRole('heading', { level: 1, name: 'Nobody here' }).waitFor();
    await shoot(page, 'console-nobody');
  });

  // A browser reports the answer that made it sign in, and the page of nobody.
  assert.deepEqual(complaints.filter((text) => !/401|404/.test(text)), []);
});
