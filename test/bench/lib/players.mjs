// The players that are measured, and what is asked of them, in ms.

/** Our watch page, by protocol. */
export const watchPages = [
  { name: 'our watch page, LL-DASH', page: 'dash', goal: { p50: 500, p95: 650 } },
  { name: 'our watch page, LL-HLS', page: 'hls', goal: { p50: 600, p95: 750 } },
];

/** Players of others, stock. */
export const stockPlayers = [
  { name: 'hls.js, LL-HLS', engine: 'hls', goal: { p50: 1200, p95: 1300 } },
  { name: 'dash.js, LL-DASH', engine: 'dash', goal: { p50: 900, p95: 1100 } },
  { name: 'Shaka, LL-DASH', engine: 'shaka', goal: { p50: 1200, p95: 1350 } },
];

/** What is asked of our watch page through the relay. */
export const relayedGoal = { p50: 850, p95: 1000 };
