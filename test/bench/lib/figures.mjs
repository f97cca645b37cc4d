// Numbers as people read them.

/** The value that a share of all values does not exceed; NaN of none. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const median = (values) => percentile(values, 0.5);

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const seconds = (ms) => (Number.isFinite(ms) ? (ms / 1000).toFixed(2) : '–');
export const percent = (share) => `${(100 * share).toFixed(1)} %`;
export const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);

/** Says whether a figure is within its goal, and if not, by how much. */
export function verdict(...pairs) {
  const missed = pairs.filter(([figure, goal]) => !(figure <= goal));
  if (missed.length === 0) return 'met';
  return missed.map(([figure, goal]) => (Number.isFinite(figure) ? `missed by ${percent(figure / goal - 1)}` : 'no figure')).join(', ');
}
