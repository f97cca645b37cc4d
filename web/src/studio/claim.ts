/** How long a tab that is being reloaded may take to give back what it held, in ms. */
const reloadMs = 1500;

/**
 * A broadcast that this tab holds, so that no other tab of this browser
 * publishes to it at the same time: the server keeps the newest session, and two
 * tabs would replace each other's for ever. A copy of a tab has what the tab
 * stored, so that alone says nothing of who is first.
 */
export class Claim {
  private constructor(private readonly give: () => void) {}

  /**
   * Claims a broadcast; undefined when another tab has it and it is not to be
   * taken over. `onLost` is called when another tab takes it over later.
   */
  static async on(id: number, takeOver: boolean, onLost: () => void): Promise<Claim | undefined> {
    // Without locks, which go with a secure page, nothing can be captured either.
    if (!navigator.locks) return new Claim(() => undefined);
    let give = () => undefined as void;
    const held = new Promise<void>((resolve) => (give = resolve));
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), reloadMs);
    const options = takeOver ? { steal: true } : { signal: patience.signal };
    return new Promise((resolve) => {
      let claimed = false;
      navigator.locks
        .request(`sluice.broadcast.${id}`, options, () => {
          clearTimeout(timer);
          claimed = true;
          resolve(new Claim(give));
          return held;
        })
        .catch(() => {
          clearTimeout(timer);
          if (claimed) onLost();
          else resolve(undefined);
        });
    });
  }

  release(): void {
    this.give();
  }
}
