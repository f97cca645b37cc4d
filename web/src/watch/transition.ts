import type { EventName } from "../api/events";
import type { Status } from "../api/streams";
import { over } from "../faces";

/**
 * The state after an event. What is over stays over: events may be repeated
 * after a reconnect. A streamError tells nothing about the state by itself.
 */
export function after(status: Status, event: EventName): Status {
  if (over(status)) return status;
  switch (event) {
    case "streamReady":
      return status === "created" ? "prepared" : status;
    case "streamStarted":
      return "live";
    case "streamReconnecting":
      return "reconnecting";
    case "streamEnded":
      return "ended";
    default:
      return status;
  }
}
