import type { Status } from "./api/streams";

/** How loud a state is shown. Red is for live and for harm only. */
export type Tone = "live" | "waiting" | "warn" | "quiet" | "harm";

/** How a state of a stream shows itself: a badge and, to viewers, a headline with a sentence. */
export interface Face {
  tone: Tone;
  badge: string;
  title: string;
  text: string;
}

const faces: Record<Status, Face> = {
  created: {
    tone: "quiet",
    badge: "Not started",
    title: "Starts soon",
    text: "The picture appears here by itself when the broadcast begins.",
  },
  prepared: {
    tone: "waiting",
    badge: "Starting",
    title: "Starts in a moment",
    text: "The broadcaster is getting ready. The picture appears here by itself.",
  },
  live: { tone: "live", badge: "LIVE", title: "Live", text: "" },
  reconnecting: {
    tone: "warn",
    badge: "Interrupted",
    title: "The broadcaster is reconnecting",
    text: "The broadcast goes on here as soon as they are back.",
  },
  ended: {
    tone: "quiet",
    badge: "Ended",
    title: "This broadcast has ended",
    text: "Thank you for watching.",
  },
  error: {
    tone: "harm",
    badge: "Failed",
    title: "This broadcast stopped because of a fault",
    text: "It will not go on. The broadcaster can start a new one.",
  },
};

/** The face of a state. A state that a newer server may have is shown as not started. */
export function face(status: Status): Face {
  return faces[status] ?? faces.created;
}

const causes: Record<string, string> = {
  publisher_gone: "Your connection was away for too long.",
  never_started: "No picture and no sound came in time.",
  shutdown: "The server was stopped.",
  recovered: "The server stopped without warning and was started again.",
  failed: "The encoder could not be kept running.",
};

/** Why a stream ended, to its broadcaster; nothing when they ended it themselves. */
export function endReason(cause: string | null | undefined): string | undefined {
  return cause ? causes[cause] : undefined;
}

/** Whether there is a running picture to load. */
export function playable(status: Status): boolean {
  return status === "live" || status === "reconnecting";
}

/** Whether a stream in this state can go on at all. */
export function over(status: Status): boolean {
  return status === "ended" || status === "error";
}
