import { createSubscriber } from "svelte/reactivity";

/** Wall time that ticks once a second while something on the page shows it. */
class Now {
  private readonly follow = createSubscriber((update) => {
    const timer = setInterval(update, 1000);
    return () => clearInterval(timer);
  });

  get current(): number {
    this.follow();
    return Date.now();
  }
}

export const now = new Now();
