export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const slot = "sluice.theme"; // public/theme.js reads it before the first paint

class ThemeState {
  current = $state<Theme>((document.documentElement.dataset.theme as Theme | undefined) ?? "system");

  /** From system to light to dark and round again. */
  next(): void {
    this.set(themes[(themes.indexOf(this.current) + 1) % themes.length] as Theme);
  }

  set(theme: Theme): void {
    this.current = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === "system") localStorage.removeItem(slot);
      else localStorage.setItem(slot, theme);
    } catch {
      // Storage is switched off: the choice lasts as long as the page.
    }
  }
}

export const theme = new ThemeState();
