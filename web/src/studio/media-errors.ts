export type Wish = "camera" | "screen";

/** A failure of capture in words: what happened and what to do. */
export interface Refusal {
  title: string;
  advice: string;
}

/** Says why getUserMedia or getDisplayMedia failed (Media Capture and Streams, section 10.2). */
export function explain(error: unknown, wish: Wish, secure: boolean): Refusal {
  if (!secure) {
    return {
      title: "This page may not use a camera",
      advice: "Browsers allow cameras only over HTTPS or on localhost. Open the studio at such an address.",
    };
  }
  const name = (error as { name?: string } | undefined)?.name ?? "";
  if (wish === "screen") return explainScreen(name);
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return {
        title: "Camera and microphone are blocked",
        advice: "Allow both for this site in the address bar of your browser, then try again.",
      };
    case "NotFoundError":
    case "DevicesNotFoundError":
      return {
        title: "No camera or microphone found",
        advice: "Plug one in and try again, or share your screen instead.",
      };
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return {
        title: "The camera or microphone is busy",
        advice: "Another program uses it. Close that program and try again, or choose another device.",
      };
    case "OverconstrainedError":
      return {
        title: "The chosen device is not available",
        advice: "It may have been unplugged. Choose another one.",
      };
    default:
      return { title: "The camera did not start", advice: "Try again, or choose another device." };
  }
}

function explainScreen(name: string): Refusal {
  if (name === "NotAllowedError") {
    return { title: "No screen was shared", advice: "Choose a screen, window or tab in the browser's dialog." };
  }
  return { title: "The screen cannot be shared", advice: "Your browser or system does not allow it. Use the camera." };
}
