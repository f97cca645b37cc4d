/** What a key does on the watch page. */
export type Action =
  | "toggle-play"
  | "toggle-mute"
  | "toggle-fullscreen"
  | "picture-in-picture"
  | "go-live"
  | "back"
  | "forward"
  | "louder"
  | "quieter";

const actions: Record<string, Action> = {
  " ": "toggle-play",
  k: "toggle-play",
  m: "toggle-mute",
  f: "toggle-fullscreen",
  p: "picture-in-picture",
  l: "go-live",
  ArrowLeft: "back",
  ArrowRight: "forward",
  ArrowUp: "louder",
  ArrowDown: "quieter",
};

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** What has the focus: the keys that it uses itself are left to it. */
export type Focus = "page" | "button" | "slider" | "menu";

/** The action of a key press, if it has one where the focus is. */
export function action(press: Press, focus: Focus): Action | undefined {
  if (press.ctrlKey || press.metaKey || press.altKey) return undefined;
  const found = actions[press.key] ?? actions[press.key.toLowerCase()];
  if (focus === "button" && press.key === " ") return undefined;
  if (focus === "slider" && press.key.startsWith("Arrow")) return undefined;
  if (focus === "menu" && (press.key === " " || press.key.startsWith("Arrow"))) return undefined;
  return found;
}

/** Reads what has the focus off an element. */
export function focusOf(element: Element | null): Focus {
  if (element?.closest("[data-menu]")) return "menu";
  // Its own steps are too small to leave the live edge.
  if (element?.matches("[data-timeline]")) return "page";
  if (element instanceof HTMLInputElement) return "slider";
  if (element?.closest("button, a")) return "button";
  return "page";
}
