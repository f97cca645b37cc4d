// What a rule is: a name that begins with its item, and a look at a recording.

/** No more than so many findings of one rule are told. */
const most = 12;

/**
 * Makes a rule of its name and of a generator that gives what it finds wrong in
 * a recording. The name's first word is the item of docs/conformance.md.
 */
export function rule(name, look) {
  const [item] = name.split(' ');
  return {
    name,
    item,
    findings(recording) {
      const found = [];
      for (const what of look(recording)) {
        found.push(what);
        if (found.length === most) return [...found, 'and more'];
      }
      return found;
    },
  };
}

/** Every version of every media playlist: the track, and the playlist. */
export function* versionsOf({ tracks }) {
  for (const track of tracks) for (const version of track.versions) yield { track, ...version };
}

/** Each value of something that must never change, when it is more than one. */
export function* changes(what, values) {
  const seen = new Set(values);
  if (seen.size > 1) yield `${what} changes: ${[...seen].join(', ')}`;
}
