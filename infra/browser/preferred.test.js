// What a visitor chose holds from the first moment of every page on, also where
// tracking is refused or the browser asks for privacy.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, screenshots, startBrowser, startRapport, visitor } from './local.js';

let rapport, browser;

before(async () => { [rapport, browser] = await Promise.all([startRapport(), startBrowser(), mkdir(screenshots, { recursive: true })]); });
after(async () => {
  await browser?.close();
  await rapport?.stop();
});

/** Opens the shop for a visitor, with what the page looks like before anything is drawn. */
async function enter(setUp = () => {}) {
  const opened = await visitor(browser, rapport.url);
  await setUp(opened.page);
  await opened.page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.body) return;
      window.themeAtFirst = document.documentElement.getAttribute('data-preferred-theme');
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  await opened.page.goto('/');
  return opened;
}
const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const dark = 'rgb(23, 29, 22)';

async function chooseDark(page) {
  assert.notEqual(await paper(page), dark);
  await page.getByRole('button', { name: 'Dark theme' }).click();
  await page.getByRole('button', { name: 'Light theme' }).waitFor();
  assert.equal(await paper(page), dark);
  await page.goto('/shop/tea/fireweed');
  assert.equal(await page.evaluate(() => window.themeAtFirst), 'dark');
  assert.equal(await paper(page), dark);
}

test('who refuses tracking has the theme that they chose, and what they do is not kept', async () => {
  const { page, context, complaints } = await enter();
  await page.evaluate(() => rapport.prefer({ purposes: { analytics: false } }));
  await chooseDark(page);
  await page.evaluate(() => rapport.flush());
  const id = await page.evaluate(() => rapport.anonymousId());
  await page.screenshot({ path: path.join(screenshots, 'tea-dark.png'), fullPage: true });
  await rapport.post('/local/settle');
  const person = await eventually('the choice is known', () => rapport.get(`/v1/people/anonymousId:${id}?provenance=1`));
  assert.equal(person.preferred.theme.value, 'dark');
  assert.equal(person.preferred.theme.source, 'explicit');
  assert.equal(person.preferred.theme.others[0].source, 'default');
  assert.deepEqual(person.computed.likes, undefined);
  await page.getByRole('button', { name: 'Light theme' }).click();
  await page.getByRole('button', { name: 'Dark theme' }).waitFor();
  assert.notEqual(await paper(page), dark);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a browser that asks for privacy keeps the choice itself', async () => {
  const { page, context } = await enter((p) => p.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })));
  let sent = 0;
  await context.route('**/v1/preferences', (route) => { sent++; return route.abort(); });
  await chooseDark(page);
  assert.equal(sent, 0);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('rapport.'))), ['rapport.preferred']);
  await context.close();
});
