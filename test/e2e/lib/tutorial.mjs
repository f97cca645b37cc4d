// Takes the code out of the tutorial document, as a reader would copy it.

/** The fenced blocks of a language, without the indentation of their list items. */
export function blocks(document, language) {
  const fence = /^([ \t]*)```(\w*)[ \t]*\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;
  return [...document.matchAll(fence)].filter(([, , tag]) => tag === language).map(([, indent, , code]) => dedent(code, indent.length));
}

function dedent(code, depth) {
  return code.replace(new RegExp(`^[ \\t]{0,${depth}}`, 'gm'), '');
}

/** Replaces a text that must be there exactly once. */
export function replaceOnce(code, from, to) {
  const parts = code.split(from);
  if (parts.length !== 2) throw new Error(`${from} occurs ${parts.length - 1} times`);
  return parts.join(to);
}

/**
 * The page of the streamer: the document's buttons and all its scripts in their
 * order. Changed are the origin and the key. Supplied is what the document
 * never does: it defines initStream, but neither calls it nor gives it its slug.
 */
export function streamerPage(document, { origin, key }) {
  const [body] = blocks(document, 'html');
  let script = blocks(document, 'js').join('\n');
  script = replaceOnce(script, 'https://api.inlive.app', origin);
  script = replaceOnce(script, '<your-api-key>', key);
  return `<!doctype html>
<meta charset="utf-8">
<title>streamer</title>
${body}
<script>
${script}
</script>
<script>
var slug = 'my-first-stream';
const setLocalDescription = RTCPeerConnection.prototype.setLocalDescription;
RTCPeerConnection.prototype.setLocalDescription = async function (offer) {
  await setLocalDescription.call(this, offer);
  await initStream(streamId, this, options);
};
</script>
`;
}

/** The document's viewer page, with Shaka from here and the manifest of this stream. */
export function viewerPage(document, { shaka, manifest }) {
  const [, page] = blocks(document, 'html');
  return replaceOnce(
    replaceOnce(page, 'https://ajax.googleapis.com/ajax/libs/shaka-player/3.3.2/shaka-player.compiled.js', shaka),
    'https://bifrost.inlive.app/streams/2/manifest.mpd',
    manifest,
  );
}
