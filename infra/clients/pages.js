// Serves a page with the SDKs for browsers, as their makers built them, from
// another origin than Rapport's.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

const built = (folder) => fileURLToPath(new URL('node_modules/' + folder, import.meta.url));
const folders = {
  '/segment/': built('@segment/analytics-next/dist/umd/'),
  '/rudder/': built('@rudderstack/analytics-js/dist/npm/modern/bundled/umd/'),
  '/jitsu/': built('@jitsu/js/dist/web/'),
  '/core/': built('@openfeature/core/dist/esm/'),
  '/websdk/': built('@openfeature/web-sdk/dist/esm/'),
  '/ofrepcore/': built('@openfeature/ofrep-web-provider/node_modules/@openfeature/ofrep-core/'),
  '/ofrepweb/': built('@openfeature/ofrep-web-provider/'),
  '/rapport/': fileURLToPath(new URL('./', import.meta.url)),
};

/** Where modules find each other, which a bundler would settle otherwise. */
const imports = {
  '@openfeature/core': '/core/index.js', '@openfeature/web-sdk': '/websdk/index.js',
  '@openfeature/ofrep-core': '/ofrepcore/index.esm.js', '@openfeature/ofrep-web-provider': '/ofrepweb/index.esm.js',
};

/** Resolves to {url, stop}; the page is at the root. */
export async function servePages() {
  const server = http.createServer(async (request, response) => {
    const [, folder, name] = /^(\/\w+\/)([\w.-]+\.js(?:\.txt)?)$/.exec(request.url) ?? [];
    if (folders[folder]) {
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
      response.end(await readFile(folders[folder] + name));
      return;
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>Чай</title><link rel="icon" href="data:,">
      <script type="importmap">${JSON.stringify({ imports })}</script><h1>Чай</h1>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: 'http://127.0.0.1:' + server.address().port,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
