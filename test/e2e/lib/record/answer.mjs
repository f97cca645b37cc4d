// Single questions to an origin, with everything that was answered.

/** Asks for an address, and gives the answer with the times (ms since 1970) of question and end. Redirects are not followed. */
export async function ask(url, options = {}) {
  const asked = Date.now();
  const response = await fetch(url, { redirect: 'manual', ...options });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { url, asked, at: Date.now(), status: response.status, headers: response.headers, bytes };
}

/** Asks as `ask` does, for what must be there; uncompressed, which is less to do for who asks often. */
export async function askFor(url) {
  const answer = await ask(url, { headers: { 'Accept-Encoding': 'identity' } });
  if (answer.status !== 200) throw new Error(`${url} was answered ${answer.status}: ${answer.bytes.toString().slice(0, 300)}`);
  return answer;
}

/** Asks for an address, and gives the pieces of the answer with the time each came. */
export async function askInPieces(url) {
  const asked = Date.now();
  const response = await fetch(url);
  const pieces = [];
  for await (const piece of response.body) pieces.push({ at: Date.now(), bytes: Buffer.from(piece) });
  return { url, asked, at: Date.now(), status: response.status, headers: response.headers, pieces, bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)) };
}
