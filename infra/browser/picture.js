// Puts what the tests saw into the README's picture: the same home page for three
// people, and the mail. Run it after `npm test`.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { screenshots, startBrowser } from './local.js';

const target = path.join(import.meta.dirname, '../site/story.png');
const scenes = [
  ['home-stranger', 'A stranger sees what everybody sees'],
  ['home-ukraine', 'Signed in, from Ukraine'],
  ['home-regular', 'After the third order'],
  ['mail', 'An hour after leaving a basket'],
];

const shown = async ([name, caption]) => {
  const picture = await readFile(path.join(screenshots, name + '.png'), 'base64');
  return `<figure><div style="background-image:url(data:image/png;base64,${picture})"></div><figcaption>${caption}</figcaption></figure>`;
};

const browser = await startBrowser();
const page = await browser.newPage({ viewport: { width: 1240, height: 900 } });
await page.setContent(`<!doctype html><style>
  body { margin: 0; padding: 16px; display: grid; grid-template-columns: 1fr 1fr; gap: 16px; background: #fff; font: 17px system-ui, sans-serif; color: #1f2a24; }
  figure { margin: 0; border: 1px solid #d8ddd8; border-radius: 10px; overflow: hidden; }
  div { height: 370px; background-size: cover; background-position: top; }
  figcaption { padding: 10px 14px; border-top: 1px solid #d8ddd8; }
</style>` + (await Promise.all(scenes.map(shown))).join(''));
await page.locator('body').screenshot({ path: target });
await browser.close();
