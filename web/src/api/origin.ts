/**
 * An address of the server's, as this page reaches it. A server behind a TLS
 * proxy that was told neither its public URL nor to trust the proxy names
 * itself by http, which a page that came by https may not load. An address on
 * another host is left alone: it is what the operator has configured.
 */
export function reachable(url: string, page: string): string {
  if (url === "") return url;
  let at: URL;
  try {
    at = new URL(url, page);
  } catch {
    return url;
  }
  const here = new URL(page);
  const blocked = here.protocol === "https:" && at.protocol === "http:";
  if (at.host !== here.host && !blocked) return url;
  return here.origin + at.pathname + at.search;
}
