/** What ahead.js asked for before this code was there. */
const asked = (globalThis as { asked?: Map<string, Promise<Response>> }).asked;

/** Fetches, or gives the answer to what was asked for ahead: each once, and only if it came. */
export const fetchAhead: typeof fetch = (url, init) => {
  const answer = asked?.get(String(url));
  asked?.delete(String(url));
  return answer ? answer.catch(() => fetch(url, init)) : fetch(url, init);
};
