// The shop's own script: basket, orders and sign-in, and what they tell Rapport.
(() => {
  const currency = 'EUR';
  const $ = (selector) => document.querySelector(selector);
  const catalogue = new Map(JSON.parse($('#catalogue').textContent).map((t) => [t.ID, t]));
  const euros = (amount) => '€' + amount.toFixed(2);
  const capitals = (n) => crypto.getRandomValues(new Uint8Array(n)).reduce((s, b) => s + b.toString(16).padStart(2, '0'), '').toUpperCase();

  // ---- the basket lives in this browser: {id, lines: {product id: quantity}}
  const cart = () => JSON.parse(localStorage.getItem('shop.cart')) || { id: 'cart-' + capitals(6), lines: {} };
  const keep = (c) => { localStorage.setItem('shop.cart', JSON.stringify(c)); count(); };
  // Addresses are whole, and the picture is a PNG, because both go into mail.
  const whole = (path) => new URL(path, location.origin).href;
  const product = (id, quantity) => {
    const { Name, Category, Price } = catalogue.get(id);
    return {
      product_id: id, name: Name, category: Category, price: Number(Price), quantity,
      url: whole('/shop/tea/' + id), image_url: whole('/shop/img/' + id + '.png'),
    };
  };
  const products = (c) => Object.entries(c.lines).filter(([id]) => catalogue.has(id)).map(([id, n]) => product(id, n));
  const total = (list) => list.reduce((cents, p) => cents + Math.round(p.price * 100) * p.quantity, 0) / 100;

  function count() {
    const n = Object.values(cart().lines).reduce((a, b) => a + b, 0);
    $('#basket-count').textContent = n;
    $('#basket-count').hidden = n === 0;
  }

  // ---- a tea's page
  function tea(form) {
    const id = form.dataset.product;
    rapport.track('Product Viewed', { ...product(id, 1), currency });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const quantity = Number(form.elements.quantity.value);
      const c = cart();
      c.lines[id] = (c.lines[id] || 0) + quantity;
      keep(c);
      rapport.track('Product Added', { cart_id: c.id, ...product(id, quantity), currency });
      $('#added').hidden = false;
      $('#added-text').textContent = (quantity === 1 ? 'One packet is' : quantity + ' packets are') + ' in your basket.';
    });
  }

  // ---- the basket's page
  function basket(list) {
    rapport.track('Cart Viewed', { cart_id: cart().id, products: products(cart()) });
    draw(list);
    list.addEventListener('click', (event) => {
      const id = event.target.closest('button')?.dataset.remove;
      if (!id) return;
      const c = cart();
      rapport.track('Product Removed', { cart_id: c.id, ...product(id, c.lines[id]), currency });
      delete c.lines[id];
      keep(c);
      draw(list);
      $('#basket-title').focus();
    });
    $('#place-order').addEventListener('click', order);
  }

  function draw(list) {
    const lines = products(cart());
    list.replaceChildren(...lines.map((p) => {
      const line = $('#line').content.cloneNode(true);
      line.querySelector('img').src = '/shop/img/' + p.product_id + '.svg';
      const link = line.querySelector('a');
      link.href = '/shop/tea/' + p.product_id;
      link.textContent = p.name;
      line.querySelector('.quantity').textContent = p.quantity + ' × ' + euros(p.price);
      line.querySelector('.sum').textContent = euros(total([p]));
      const remove = line.querySelector('button');
      remove.dataset.remove = p.product_id;
      remove.setAttribute('aria-label', 'Remove ' + p.name);
      return line;
    }));
    $('#basket-total').textContent = euros(total(lines));
    $('#basket-full').hidden = lines.length === 0;
    $('#basket-empty').hidden = lines.length > 0;
  }

  async function order() {
    const c = cart();
    const list = products(c);
    const number = 'LL-' + capitals(4);
    rapport.track('Order Completed', {
      order_id: number, cart_id: c.id, revenue: total(list), total: total(list), currency, products: list,
    });
    localStorage.removeItem('shop.cart'); // the next basket gets an id of its own
    // The event is safe in the queue; half a second lets it leave from here.
    await Promise.race([rapport.flush(), new Promise((done) => setTimeout(done, 500))]);
    location.assign('/shop/order?number=' + number);
  }

  // ---- after an order the view of this customer has changed: ask once more
  async function thanks() {
    await rapport.flush();
    setTimeout(() => rapport.decide(), 300);
  }

  // ---- signing in and out
  async function post(path, body) {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const said = answer.status === 204 ? {} : await answer.json();
    if (!answer.ok) throw new Error(said.error.message);
    return said;
  }
  function signIn(form) {
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const email = form.elements.email.value.trim(), country = form.elements.country.value;
      try {
        const { userId, proof } = await post('/shop/sign-in', { email, country });
        rapport.identify(userId, { email, ...(country && { country }) }, proof);
        await rapport.flush();
        location.assign('/');
      } catch (error) {
        $('#sign-in-error').textContent = error.message;
      }
    });
  }
  function signOut(button) {
    button.addEventListener('click', async () => {
      await post('/shop/sign-out', {});
      rapport.reset();
      location.assign('/shop/account');
    });
  }

  // ---- the theme: chosen here, kept by Rapport, obeyed by the style sheet
  function theme(button) {
    const dark = () => document.documentElement.getAttribute('data-preferred-theme') === 'dark';
    const label = () => { button.textContent = dark() ? 'Light theme' : 'Dark theme'; };
    document.addEventListener('rapport:decided', label);
    button.addEventListener('click', () => rapport.prefer({ theme: dark() ? 'light' : 'dark' }));
    button.hidden = false;
    label();
  }

  // ---- behind the scenes: what Rapport knows and chose, and the virtual clock
  function behind(drawer) {
    const put = (id, text) => { $('#behind-' + id).textContent = text; };
    const clock = async (advance) => {
      const answer = await fetch('/local/clock', advance && {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ advance }),
      });
      if (answer.ok) put('now', (await answer.json()).now.slice(0, 16).replace('T', ' ') + ' UTC');
    };
    const refresh = () => {
      put('visitor', rapport.anonymousId() || 'not kept, as this browser asks for privacy');
      put('user', rapport.user().id || 'nobody');
    };
    document.addEventListener('rapport:decided', ({ detail }) => {
      refresh();
      put('blocks', detail.map((d) => d.slot + ' shows ' + d.block).join(', ') || 'nothing');
    });
    drawer.addEventListener('toggle', () => { if (drawer.open) { refresh(); clock(); } });
    $('#behind-clock').addEventListener('click', async (event) => {
      const { advance } = event.target.dataset;
      if (!advance) return;
      await clock(advance);
      await rapport.decide();
    });
  }

  const { page } = document.body.dataset;
  behind($('#behind'));
  theme($('#theme'));
  count();
  rapport.page(page);
  for (const [selector, start] of [['#add', tea], ['#basket', basket], ['#thanks', thanks], ['#sign-in', signIn], ['#sign-out', signOut]]) {
    if ($(selector)) start($(selector));
  }
  // Buttons that need this script are disabled in the page, lest they be pressed too early.
  document.querySelectorAll('main button').forEach((button) => { button.disabled = false; });
})();
