const slot = "sluice.key";

/**
 * The application key: kept for as long as its tab, and by its reloads and copies; in this browser until it is
 * forgotten where that is asked for.
 */
export const keyStore = {
  load(): string | undefined {
    return read(() => sessionStorage) ?? read(() => localStorage);
  },
  save(key: string, remember: boolean): void {
    this.forget();
    try {
      (remember ? localStorage : sessionStorage).setItem(slot, key);
    } catch {
      // Storage is switched off: the key lasts as long as the page.
    }
  },
  forget(): void {
    for (const storage of [() => sessionStorage, () => localStorage]) {
      try {
        storage().removeItem(slot);
      } catch {
        // Nothing was stored.
      }
    }
  },
};

function read(storage: () => Storage): string | undefined {
  try {
    return storage().getItem(slot) ?? undefined;
  } catch {
    return undefined;
  }
}
