// Rapport in the browser. It fills the page's slots with the content that was
// chosen for this visitor, and reports what the visitor does. See README.md.
(() => {
  const { writeKey, api = '', session, slots, timeout = 400 } = document.currentScript.dataset;
  const patience = Number(timeout);

  // A visitor who sends Global Privacy Control gets the content that a stranger
  // gets: no events leave, and nothing is kept in the browser.
  const silent = navigator.globalPrivacyControl === true;

  // ---- what is kept: "id", "user" {id, proof} and "queue", the unsent events
  const memory = {};
  const load = (name) => {
    try { return JSON.parse(localStorage.getItem('rapport.' + name)); } catch { return memory[name]; }
  };
  const save = (name, value) => {
    memory[name] = value;
    try { localStorage.setItem('rapport.' + name, JSON.stringify(value)); } catch { /* memory has it */ }
  };

  const newID = () => crypto.randomUUID?.() ||
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

  function anonymousId() {
    if (silent) return undefined;
    if (!load('id')) {
      // A site that used an analytics script before keeps its visitors.
      const known = /(?:^|; )ajs_anonymous_id=([^;]+)/.exec(document.cookie);
      save('id', known ? decodeURIComponent(known[1]).replaceAll('"', '') : newID());
    }
    return load('id');
  }
  const user = () => (!silent && load('user')) || {};

  // ---- proofs are short-lived: the site's own server renews them, or the visitor
  // counts as signed out
  const expiry = (proof) => {
    try { return JSON.parse(atob(proof.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).exp * 1000; } catch { return 0; }
  };
  async function renew(signal) {
    const { id } = user();
    if (!id) return;
    const answer = session && await fetch(session, { method: 'POST', signal });
    const fresh = answer?.ok ? await answer.json() : {};
    if (fresh.userId === id) save('user', { id, proof: fresh.proof });
    else if (!(answer?.status >= 500)) save('user', null);
  }
  const renewIfStale = async (signal) => {
    if (user().proof && expiry(user().proof) < Date.now() + 30e3) await renew(signal);
  };

  // ---- slots: one request, one change of the page, or the default content
  const ready = new Promise((done) => {
    if (document.readyState !== 'loading') done();
    else document.addEventListener('DOMContentLoaded', done);
  });
  const root = document.documentElement, waiting = root.classList;
  const found = () => [...document.querySelectorAll('[data-slot]')];

  async function ask(path, body, signal) {
    await renewIfStale(signal);
    const { id, proof } = user();
    return fetch(api + path, {
      method: 'POST', signal,
      headers: { Authorization: 'Basic ' + btoa(writeKey + ':') },
      body: JSON.stringify({ anonymousId: anonymousId(), ...(proof && { userId: id, proof }), ...body }),
    });
  }

  // ---- preferred fields go to the root, for styles: data-preferred-theme="dark"
  function prefers(fields) {
    if (silent) fields = { ...fields, ...load('preferred') };
    else if (fields) save('preferred', fields);
    for (const name in fields) root.setAttribute('data-preferred-' + name, fields[name]?.value ?? fields[name]);
  }

  let deciding, turn = 0;
  async function choose(names) {
    const mine = ++turn;
    const signal = AbortSignal.timeout(patience);
    try {
      const query = () => ask('/v1/decide', { slots: names }, signal);
      let answer = await query();
      if (answer.status === 401 && user().proof) {
        await renew(signal);
        answer = await query();
      }
      const { decisions = [], preferred } = answer.ok ? await answer.json() : {};
      await ready;
      if (mine !== turn || signal.aborted) return [];
      prefers(preferred);
      for (const d of decisions) found().filter((e) => e.dataset.slot === d.slot).forEach((e) => fill(e, d));
      document.dispatchEvent(new CustomEvent('rapport:decided', { detail: decisions }));
      return decisions;
    } catch {
      return []; // late or unreachable: what the page says by itself stands
    } finally {
      waiting.remove('rapport-wait');
    }
  }
  const decide = (names = [...new Set(found().map((e) => e.dataset.slot))]) =>
    (deciding = names.length ? choose(names) : Promise.resolve([]));

  // Content is put in as text and checked addresses, never as markup.
  const address = (text) => {
    try {
      const url = new URL(text, location.href);
      return /^https?:$/.test(url.protocol) ? url.href : '';
    } catch { return ''; }
  };
  const shown = new Map(); // slot element → decision
  function fill(element, decision) {
    const content = decision.content || {};
    if (content.lang) element.lang = content.lang;
    else element.removeAttribute('lang');
    for (const part of element.querySelectorAll('[data-field]')) {
      part.hidden = false;
      for (const field of part.dataset.field.split(' ')) {
        const text = typeof content[field] === 'string' ? content[field] : '';
        const value = field === 'image' || field === 'link' ? text && address(text) : text;
        if (field === 'image') part.src = value;
        else if (field === 'link') part.href = value;
        else part.textContent = value;
        part.hidden ||= !value;
      }
    }
    shown.set(element, decision);
    watcher.unobserve(element);
    watcher.observe(element);
  }

  // ---- exposures and clicks go back with the receipt, once each
  const told = new Set();
  function tell(event, { slot, block, receipt }) {
    if (told.has(event + slot + receipt)) return;
    told.add(event + slot + receipt);
    track(event, { promotion_id: block, creative: slot, receipt });
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const e of entries) if (e.intersectionRatio >= 0.5) tell('Promotion Viewed', shown.get(e.target));
  }, { threshold: 0.5 });
  document.addEventListener('click', (click) => {
    const element = click.target.closest?.('[data-slot] a, [data-slot] button')?.closest('[data-slot]');
    if (shown.has(element)) tell('Promotion Clicked', shown.get(element));
  });

  // ---- events stay in the queue until an answer says that they arrived, under
  // the same message id, so that none is lost and none counts twice
  const queue = () => (!silent && load('queue')) || [];
  let sending = [], failures = 0, timer;

  function record(type, fields) {
    if (silent) return;
    const { id, proof } = user();
    const { href: url, pathname: path, search } = location;
    save('queue', [...queue(), {
      type, messageId: newID(), timestamp: new Date().toISOString(), anonymousId: anonymousId(), userId: id, ...fields,
      context: {
        page: { url, path, search, title: document.title, referrer: document.referrer },
        locale: navigator.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        library: { name: 'rapport.js', version: '1' }, proof,
      },
    }].slice(-500));
    soon(20);
  }

  // The newest proof goes along; an event whose proof was refused twice goes
  // without, and then counts for the anonymous id.
  const body = (batch) => {
    const { id, proof } = user();
    return JSON.stringify({
      writeKey, sentAt: new Date().toISOString(),
      batch: batch.map(({ refused = 0, ...e }) => {
        const newest = e.userId === id ? proof : refused ? undefined : e.context.proof;
        return { ...e, context: { ...e.context, proof: refused < 2 ? newest : undefined } };
      }),
    });
  };
  // What outlives its page may not be larger than 64 KB, all together.
  const parcel = (events) => {
    let size = 0;
    return events.filter((e, i) => (size += JSON.stringify(e).length + 1000) < 48e3 || i === 0);
  };
  const soon = (ms) => { clearTimeout(timer); timer = setTimeout(flush, ms); };

  async function flush() {
    await deciding; // content first
    const batch = parcel(queue());
    if (sending.length || !batch.length) return;
    sending = batch.map((e) => e.messageId);
    const kept = await deliver(batch);
    save('queue', queue().filter((e) => !sending.includes(e.messageId) || kept.includes(e.messageId)));
    sending = [];
    failures = kept.length ? failures + 1 : 0;
    if (queue().length) soon(kept.length ? Math.min(30e3, 250 * 2 ** failures) : 0);
  }

  // deliver returns the ids of the events that must be sent again.
  async function deliver(batch) {
    try {
      await renewIfStale();
      const text = body(batch);
      const answer = await fetch(api + '/v1/batch', { method: 'POST', body: text, keepalive: text.length < 6e4 });
      if (answer.status === 429 || answer.status === 408 || answer.status >= 500) return sending;
      const { rejected = [] } = answer.ok ? await answer.json() : {};
      const refused = rejected.filter((r) => r.code === 'bad_proof').map((r) => r.messageId);
      if (refused.length) await renew();
      save('queue', queue().map((e) => (refused.includes(e.messageId) ? { ...e, refused: (e.refused || 0) + 1 } : e)));
      return refused;
    } catch {
      return sending;
    }
  }

  addEventListener('pagehide', () => {
    const left = parcel(queue().filter((e) => !sending.includes(e.messageId)));
    if (left.length) navigator.sendBeacon(api + '/v1/batch', body(left));
  });

  const track = (event, properties = {}) => record('track', { event, properties });
  window.rapport = {
    anonymousId, user, decide, flush, renew, track,
    page: (name, properties = {}) => record('page', { name, properties }),
    identify(userId, traits = {}, proof) {
      if (silent) return;
      const before = user().id;
      if (before && before !== userId) this.reset(); // two people, one browser
      save('user', { id: userId, proof });
      record('identify', { traits });
    },
    // prefer keeps what the visitor chose.
    async prefer(said) {
      if (silent) save('preferred', { ...load('preferred'), ...said });
      else await ask('/v1/preferences', said);
      return decide();
    },
    // reset forgets who was here: the next visitor at this browser is a stranger.
    reset() {
      flush();
      save('user', null);
      save('preferred', null);
      if (!silent) save('id', newID());
    },
  };

  // Only slots are hidden, and for no longer than patience lasts.
  const style = new CSSStyleSheet();
  style.replaceSync('.rapport-wait [data-slot]{visibility:hidden}');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];
  prefers(load('preferred'));
  waiting.add('rapport-wait');
  setTimeout(() => waiting.remove('rapport-wait'), patience);
  deciding = slots ? decide(slots.split(' ')) : ready.then(() => decide());
  if (queue().length) soon(20);
})();
