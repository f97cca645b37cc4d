// What was started is stopped, in reverse order, whatever happens.

export class Cleanups {
  #cleanups = [];

  /** Does something at the end; the last given is done first. */
  after = (cleanup) => {
    this.#cleanups.push(cleanup);
  };

  /** Does it all, and fails with everything that failed. */
  async end() {
    const failures = [];
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        await cleanup();
      } catch (err) {
        failures.push(err);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map((err) => err.message).join('\n'));
  }
}
