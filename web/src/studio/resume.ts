const slot = "sluice.broadcast";

/** What a tab remembers of its running broadcast, so that a reload can go on with it. */
export interface Remembered {
  id: number;
  /** The broadcast came from a shared screen, which no page may ask for without a click. */
  screen: boolean;
}

/** Kept per tab: a second tab must not take the broadcast of the first. */
export const running = {
  load(): Remembered | undefined {
    try {
      return parse(sessionStorage.getItem(slot));
    } catch {
      return undefined;
    }
  },
  save(broadcast: Remembered): void {
    try {
      sessionStorage.setItem(slot, JSON.stringify(broadcast));
    } catch {
      // Storage is switched off: a reload will not resume by itself.
    }
  },
  forget(): void {
    try {
      sessionStorage.removeItem(slot);
    } catch {
      // Nothing was stored.
    }
  },
};

/** Reads what was stored; anything else than what save wrote counts as nothing. */
export function parse(text: string | null): Remembered | undefined {
  if (!text) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Remembered> | null;
    if (!value || !Number.isSafeInteger(value.id)) return undefined;
    return { id: value.id as number, screen: value.screen === true };
  } catch {
    return undefined;
  }
}
