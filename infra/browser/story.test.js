// One customer's story in the sample shop, played as a person would: a stranger
// looks around, signs in from Ukraine, orders three times, and leaves.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, screenshots, startBrowser, startRapport, visitor } from './local.js';

const email = 'customer@example.com';
const phone = { width: 390, height: 844 };
let rapport, browser;

before(async () => {
  [rapport, browser] = await Promise.all([startRapport(), startBrowser(), mkdir(screenshots, { recursive: true })]);
});
after(async () => {
  await browser?.close();
  await rapport?.stop();
});

/** Waits until Rapport has chosen the page's content, and says what it chose. */
async function decided(page) {
  await page.waitForFunction(() => /shows/.test(document.querySelector('#behind-blocks')?.textContent));
  return page.locator('#behind-blocks').textContent();
}
const hero = (page) => page.locator('[data-slot=hero] h1').textContent();

const reads = (page, selector, text) => page.locator(selector, { hasText: new RegExp(`^${text}$`) }).waitFor();

/** Goes home by the shop's name, which may lead from the home page to itself. */
async function goHome(page) {
  await Promise.all([page.waitForEvent('domcontentloaded'), page.locator('.brand').click()]);
}

/** Goes home until `block` is what the hero shows. */
function homeShows(page, block) {
  return eventually(`the hero shows ${block}`, async () => {
    await goHome(page);
    return (await decided(page)).includes(`hero shows ${block},`);
  });
}

/** Keeps pictures of the whole page, as on a desk and as on a phone. */
async function shoot(page, name) {
  const before = page.viewportSize();
  await page.mouse.move(0, 0);
  for (const [suffix, size] of [['', before], ['-phone', phone]]) {
    await page.setViewportSize(size);
    const [width, height] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    assert.equal(width, size.width, `${name} is too wide for ${size.width} pixels`);
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: path.join(screenshots, name + suffix + '.png') });
  }
  await page.setViewportSize(before);
}

async function order(page, tea, quantity) {
  await page.goto('/');
  await page.locator('.shelf strong', { hasText: tea }).click();
  await page.getByLabel('Packets').selectOption(String(quantity));
  await page.getByRole('button', { name: 'Add to basket' }).click();
  await page.getByRole('link', { name: 'View basket' }).click();
  await page.getByRole('button', { name: 'Place the order' }).click();
  await page.getByRole('heading', { name: 'Thank you', exact: true }).waitFor();
}

test('a stranger becomes a customer, and the shop listens', async (t) => {
  const { page, complaints } = await visitor(browser, rapport.url);
  const heroes = {};

  await t.test('a stranger sees what everyone sees', async () => {
    await page.goto('/');
    assert.match(await decided(page), /hero shows hero-\S+, banner shows banner-\S+/);
    heroes.stranger = await hero(page);
    await shoot(page, 'home-stranger');
  });

  await t.test('who looks around is a new visitor', async () => {
    await page.locator('.shelf strong', { hasText: 'Fireweed' }).click();
    await page.getByRole('heading', { level: 1, name: 'Fireweed Leaf' }).waitFor();
    await shoot(page, 'tea');
    await page.locator('nav a', { hasText: 'Teas' }).click();
    await homeShows(page, 'hero-new');
    heroes.newcomer = await hero(page);
    assert.notEqual(heroes.newcomer, heroes.stranger);
    await shoot(page, 'home-new');
  });

  await t.test('who signs in from Ukraine is greeted from there', async () => {
    await page.locator('nav a', { hasText: 'Account' }).click();
    await shoot(page, 'account');
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Country').selectOption('UA');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(rapport.url + '/');
    await decided(page);
    await homeShows(page, 'hero-ua');
    heroes.ukraine = await hero(page);
    assert.ok(![heroes.stranger, heroes.newcomer].includes(heroes.ukraine));
    await shoot(page, 'home-ukraine');
  });

  await t.test('a basket can be changed and ordered', async () => {
    await page.locator('.shelf strong', { hasText: 'Morning Assam' }).click();
    await page.getByRole('button', { name: 'Add to basket' }).click();
    await page.goto('/');
    await page.locator('.shelf strong', { hasText: 'Linden Blossom' }).click();
    await page.getByLabel('Packets').selectOption('3');
    await page.getByRole('button', { name: 'Add to basket' }).click();
    await reads(page, '#basket-count', '4');
    await page.getByRole('link', { name: 'View basket' }).click();
    await reads(page, '#basket-total', '€31.40');
    await shoot(page, 'basket');
    await page.getByRole('button', { name: 'Remove Morning Assam' }).click();
    await reads(page, '#basket-total', '€21.60');
    await page.getByRole('button', { name: 'Place the order' }).click();
    await page.getByRole('heading', { name: 'Thank you', exact: true }).waitFor();
    await shoot(page, 'thanks');
    await Promise.all([page.waitForEvent('domcontentloaded'), page.getByRole('link', { name: 'Back to the shop' }).click()]);
    assert.match(await decided(page), /hero shows hero-ua,/, 'one order makes nobody a regular');
  });

  await t.test('three orders open the reserve', async () => {
    await order(page, 'Mountain Herbs', 1);
    await order(page, 'Spring Green', 2);
    await homeShows(page, 'hero-vip');
    heroes.regular = await hero(page);
    assert.ok(![heroes.stranger, heroes.newcomer, heroes.ukraine].includes(heroes.regular));
    await page.locator('.behind summary').click();
    await eventually('the clock is shown', async () => /UTC/.test(await page.locator('#behind-now').textContent()));
    await page.screenshot({ path: path.join(screenshots, 'home-regular-behind.png') });
    await page.locator('.behind summary').click();
    await shoot(page, 'home-regular');
  });

  await t.test('everything has arrived, once', async () => {
    const userId = await page.evaluate(() => rapport.user().id);
    const node = '/v1/people/' + encodeURIComponent('userId:' + userId);
    const person = await eventually('three orders are counted', async () => {
      const p = await rapport.get(node);
      return p?.computed.orders >= 3 && p;
    });
    await rapport.post('/local/settle');
    assert.equal(person.traits.country, 'UA');
    assert.equal(person.traits.email, email);
    const { events } = await rapport.get(node + '/timeline?limit=200');
    const count = (name) => events.filter((e) => e.event === name).length;
    assert.deepEqual(
      ['Order Completed', 'Product Added', 'Product Removed', 'Cart Viewed'].map((name) => [name, count(name)]),
      [['Order Completed', 3], ['Product Added', 4], ['Product Removed', 1], ['Cart Viewed', 3]],
    );
    assert.ok(count('Promotion Viewed') > 0, 'no exposure arrived');
    assert.equal(new Set(events.map((e) => e.messageId)).size, events.length);
  });

  await t.test('a proof that time has overtaken is renewed', async () => {
    await page.locator('.behind summary').click();
    const decidedAnew = () => page.waitForResponse((answer) => answer.url().endsWith('/v1/decide') && answer.ok());
    for (let hours = 0; hours < 2; hours++) {
      await Promise.all([decidedAnew(), page.getByRole('button', { name: '1 hour' }).click()]);
    }
    await eventually('the hero is what it was', async () => await hero(page) === heroes.regular);
    await homeShows(page, 'hero-vip');
    // The answer that made the snippet renew is a 401, which the console reports.
    const renewals = complaints.filter((text) => /401/.test(text));
    assert.ok(renewals.length > 0, 'the old proof was never refused');
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !renewals.includes(text)));
  });

  await t.test('who signs out is a stranger again', async () => {
    const before = await page.evaluate(() => rapport.anonymousId());
    await page.locator('nav a', { hasText: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    const now = await page.evaluate(() => [rapport.anonymousId(), rapport.user().id]);
    assert.notEqual(now[0], before);
    assert.equal(now[1], undefined);
    await goHome(page);
    assert.doesNotMatch(await decided(page), /hero-(ua|vip)/);
  });

  assert.deepEqual(complaints, []);
});

test('a stranger of another browser learns nothing of it', async () => {
  const { page, complaints } = await visitor(browser, rapport.url);
  await page.goto('/');
  assert.doesNotMatch(await decided(page), /hero-(new|ua|vip)/);
  assert.deepEqual(complaints, []);
});
