const slot = "sluice.key";

/** The application key, kept in this browser until it is forgotten. */
export const keyStore = {
  load(): string | undefined {
    try {
      return localStorage.getItem(slot) ?? undefined;
    } catch {
      return undefined;
    }
  },
  save(key: string): void {
    try {
      localStorage.setItem(slot, key);
    } catch {
      // Storage is switched off: the key lasts as long as the page.
    }
  },
  forget(): void {
    try {
      localStorage.removeItem(slot);
    } catch {
      // Nothing was stored.
    }
  },
};
