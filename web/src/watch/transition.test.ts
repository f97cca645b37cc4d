import { expect, it } from "vitest";
import type { EventName } from "../api/events";
import type { Status } from "../api/streams";
import { after } from "./transition";

it.each<[Status, EventName, Status]>([
  ["created", "streamReady", "prepared"],
  ["created", "streamStarted", "live"],
  ["prepared", "streamStarted", "live"],
  ["live", "streamReady", "live"], // told again to a late subscriber
  ["live", "streamReconnecting", "reconnecting"],
  ["reconnecting", "streamStarted", "live"],
  ["live", "streamEnded", "ended"],
  ["prepared", "streamEnded", "ended"],
  ["live", "streamError", "live"], // the stream itself tells whether it goes on
  ["live", "iceCandidate", "live"],
  ["ended", "streamStarted", "ended"],
  ["ended", "streamReconnecting", "ended"],
  ["error", "streamEnded", "error"],
])("%s, then %s: %s", (status, event, want) => expect(after(status, event)).toBe(want));
