// What OpenFeature's OFREP providers lack: track(). Extend yours with it, and
// exposures and outcomes go to Rapport under the same key as the questions.

/**
 * Returns the provider's class with track(). In a browser the targeting key is
 * the anonymous id; on a server, with `asServer` and the secret key, the user id.
 * Every call is one event; the last ones are sent while the page is left.
 */
export const tracking = (Provider, { url, key, asServer = false }) => class extends Provider {
  track(event, { targetingKey, userId, anonymousId, proof } = {}, properties = {}) {
    const who = asServer ? { userId: userId ?? targetingKey, anonymousId } : { userId, anonymousId: anonymousId ?? targetingKey };
    const body = {
      type: 'track', event, ...who, properties, context: { proof },
      messageId: crypto.randomUUID(), timestamp: new Date().toISOString(),
    };
    const headers = { 'Content-Type': 'text/plain' };
    if (asServer) headers.Authorization = 'Bearer ' + key;
    else body.writeKey = key; // not in a header, which would cost a preflight
    fetch(url + '/v1/track', { method: 'POST', headers, body: JSON.stringify(body), keepalive: !asServer })
      .catch((error) => console.warn('Rapport:', event, 'was not sent:', error.message));
  }
};

/** The properties of an exposure or a click, from what a flag's details say. */
export const shown = ({ variant, flagMetadata: { slot, receipt } }) => ({ promotion_id: variant, creative: slot, receipt });
