// The mail about a basket that was left: it comes after an hour, is read in the
// outbox and leads back to the shop; and it does not come to who said no.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, screenshots, startBrowser, startRapport, visitor } from './local.js';

const phone = { width: 390, height: 844 };
let rapport, browser;

before(async () => {
  [rapport, browser] = await Promise.all([startRapport(), startBrowser(), mkdir(screenshots, { recursive: true })]);
});
after(async () => {
  await browser?.close();
  await rapport?.stop();
});

// Time overtakes the shop's proofs, which the snippet renews after a 401 that the
// console reports.
const unexpected = (complaints) => complaints.filter((text) => !/401/.test(text));

/** Keeps pictures of what the window shows, as on a desk and as on a phone. */
async function shoot(page, name) {
  const before = page.viewportSize();
  for (const [suffix, size] of [['', before], ['-phone', phone]]) {
    await page.setViewportSize(size);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= size.width, `${name} is too wide for ${size.width} pixels`);
    await page.screenshot({ path: path.join(screenshots, name + suffix + '.png'), fullPage: true });
  }
  await page.setViewportSize(before);
}

async function signIn(page, email) {
  await page.goto('/shop/account');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(rapport.url + '/');
}

async function leaveBasket(page, tea) {
  await page.goto('/');
  await page.locator('.shelf strong', { hasText: tea }).click();
  await page.getByLabel('Packets').selectOption('2');
  await page.getByRole('button', { name: 'Add to basket' }).click();
  await page.getByRole('link', { name: 'View basket' }).waitFor();
  await page.evaluate(() => rapport.flush());
  await rapport.post('/local/settle');
}

/** Moves the clock by the buttons behind the scenes: 1 hour, 1 minute. */
async function anHourPasses(page) {
  if (!(await page.locator('#behind').evaluate((e) => e.open))) await page.locator('.behind summary').click();
  for (const name of ['1 hour', '1 minute']) {
    const moved = (answer) => answer.url().endsWith('/local/clock') && answer.request().method() === 'POST';
    const [answer] = await Promise.all([page.waitForResponse(moved), page.getByRole('button', { name }).click()]);
    assert.equal(answer.status(), 200);
  }
}

const mailTo = async (email) => (await rapport.get('/local/outbox')).filter((m) => m.to === email);

/** Opens the newest mail and returns its frame. */
async function readNewest(page) {
  await page.getByRole('link', { name: 'Read the mail that was sent' }).click();
  await page.getByRole('heading', { name: 'Outbox', exact: true }).waitFor();
  await shoot(page, 'outbox');
  await page.locator('.mails a').first().click();
  return page.frameLocator('iframe[title="The mail"]');
}

/** Clicks something that opens beside the page, and returns what opened. */
async function opens(page, element) {
  const [opened] = await Promise.all([page.context().waitForEvent('page'), element.click()]);
  await opened.waitForLoadState();
  return opened;
}

test('a basket that was left brings its owner back', async (t) => {
  const email = 'customer@example.com';
  const { page, complaints } = await visitor(browser, rapport.url);
  let mail, shop;

  await t.test('an hour later there is one mail', async () => {
    await signIn(page, email);
    await leaveBasket(page, 'Mountain Herbs');
    assert.deepEqual(await mailTo(email), []);
    await anHourPasses(page);
    assert.equal((await mailTo(email)).length, 1);
    await page.screenshot({ path: path.join(screenshots, 'behind.png') });
  });

  await t.test('it shows what is in the basket', async () => {
    const picture = page.waitForResponse((answer) => answer.url() === rapport.url + '/shop/img/mountain-herbs.png');
    mail = await readNewest(page);
    await mail.getByText('Mountain Herbs').first().waitFor();
    await mail.getByText('€17.00').first().waitFor();
    assert.equal((await picture).status(), 200);
    await shoot(page, 'mail');
  });

  await t.test('its link leads to the basket, which is ordered', async () => {
    shop = await opens(page, mail.getByRole('link', { name: 'Back to your basket' }));
    assert.equal(new URL(shop.url()).pathname, '/shop/cart');
    await shop.getByRole('button', { name: 'Place the order' }).click();
    await shop.getByRole('heading', { name: 'Thank you', exact: true }).waitFor();
    await shop.close();
  });

  await t.test('all of it stands in the customer’s timeline', async () => {
    await page.goto('/');
    const node = '/v1/people/' + encodeURIComponent('userId:' + await page.evaluate(() => rapport.user().id));
    const wanted = ['Product Added', 'Email Delivered', 'Email Opened', 'Email Link Clicked', 'Order Completed'];
    let missing = wanted;
    await eventually('all has arrived', async () => {
      await rapport.post('/local/settle');
      const { events } = await rapport.get(node + '/timeline?limit=200');
      missing = wanted.filter((name) => !events.some((e) => e.event === name));
      return missing.length === 0;
    }).catch(() => {});
    assert.deepEqual(missing, []);
  });

  await t.test('nothing more comes', async () => {
    await rapport.post('/local/clock', { advance: '26h' });
    assert.equal((await mailTo(email)).length, 1);
    const { journeys } = await rapport.get('/v1/reports/journeys');
    const cart = journeys.find((j) => j.journey === 'cart-recovery');
    assert.equal(cart.balanced, true);
    assert.deepEqual([cart.planned, cart.sent, cart.pending], [1, 1, 0]);
  });

  assert.deepEqual(unexpected(complaints), []);
});

test('who unsubscribes in a mail gets no other', async (t) => {
  const email = 'reader@example.com';
  const { page, complaints } = await visitor(browser, rapport.url);

  await t.test('by the link, and a button that asks', async () => {
    await signIn(page, email);
    await leaveBasket(page, 'Fireweed');
    await anHourPasses(page);
    assert.equal((await mailTo(email)).length, 1);
    const mail = await readNewest(page);
    const asks = await opens(page, mail.getByRole('link', { name: 'Unsubscribe' }));
    await shoot(asks, 'unsubscribe');
    await Promise.all([asks.waitForResponse((answer) => answer.request().method() === 'POST' && answer.status() === 200),
      asks.getByRole('button').first().click()]);
    await shoot(asks, 'unsubscribed');
    await asks.close();
  });

  await t.test('the next basket is left in peace', async () => {
    await page.evaluate(() => localStorage.removeItem('shop.cart')).catch(() => {});
    await leaveBasket(page, 'Spring Green');
    await anHourPasses(page);
    await rapport.post('/local/clock', { advance: '25h' });
    assert.equal((await mailTo(email)).length, 1);
    const { journeys } = await rapport.get('/v1/reports/journeys');
    const cart = journeys.find((j) => j.journey === 'cart-recovery');
    assert.equal(cart.balanced, true);
  });

  assert.deepEqual(unexpected(complaints), []);
});

test('one click in a mail program unsubscribes too', async () => {
  const email = 'third@example.com';
  const { page, complaints } = await visitor(browser, rapport.url);
  await signIn(page, email);
  await leaveBasket(page, 'Morning Assam');
  await anHourPasses(page);
  await readNewest(page);
  const done = await opens(page, page.getByRole('button', { name: 'Unsubscribe' }));
  assert.equal(new URL(done.url()).pathname, '/v1/unsubscribe');
  await done.close();
  await leaveBasket(page, 'Linden Blossom');
  await anHourPasses(page);
  assert.equal((await mailTo(email)).length, 1);
  assert.deepEqual(unexpected(complaints), []);
});
