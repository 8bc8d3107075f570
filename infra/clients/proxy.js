// Stands between a client and Rapport: keeps a record of every request, and
// spoils answers where it is told to, so that the client sends again what is
// stored already.
import { once } from 'node:events';
import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** What may become of an answer after Rapport has taken the request. */
const spoiled = {
  'server error': (answer) => { answer.status = 500; },
  'rate limit': (answer) => { answer.status = 429; answer.headers['retry-after'] = '1'; },
  'connection cut': (answer) => { answer.cut = true; },
};
export const faults = Object.keys(spoiled);

async function forward(target, request, body) {
  const onward = http.request(target + request.url, { method: request.method, headers: request.headers });
  onward.end(body);
  const [response] = await once(onward, 'response');
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

/** Whether a request asks for content, rather than sends events. */
const asks = ({ path }) => path.startsWith('/ofrep/');

/** The events in a body, whatever its content type says. */
function eventsIn(body) {
  const packed = body[0] === 0x1f && body[1] === 0x8b;
  const sent = JSON.parse(packed ? gunzipSync(body) : body);
  return { packed, sent, events: sent.batch ?? [sent] };
}

/**
 * Resolves to {url, requests, deliveries, evaluations, preflights, stop}. The first answers to
 * events are spoiled by `plan`, one each, a repeated request counting as another.
 */
export async function startProxy(target, plan = []) {
  const left = [...plan];
  const requests = [];
  const server = http.createServer(async (request, response) => {
    const body = await buffer(request);
    const entry = { method: request.method, path: request.url, headers: request.headers, at: performance.now() };
    requests.push(entry);
    const answer = await forward(target, request, body);
    if (request.method === 'POST' && asks(entry)) {
      Object.assign(entry, { sent: JSON.parse(body), status: answer.status, etag: answer.headers.etag });
    } else if (request.method === 'POST') {
      Object.assign(entry, eventsIn(body), { status: answer.status, answer: JSON.parse(answer.body), fault: left.shift() });
      if (entry.fault) spoiled[entry.fault](answer);
    }
    entry.answeredAt = performance.now();
    if (answer.cut) request.socket.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: 'http://127.0.0.1:' + server.address().port,
    requests,
    deliveries: () => requests.filter((r) => r.method === 'POST' && !asks(r)),
    evaluations: () => requests.filter((r) => r.method === 'POST' && asks(r)),
    preflights: () => requests.filter((r) => r.method === 'OPTIONS'),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
