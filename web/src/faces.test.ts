import { describe, expect, it } from "vitest";
import type { Status } from "./api/streams";
import { endReason, face, over, playable } from "./faces";

const all: Status[] = ["created", "prepared", "live", "reconnecting", "ended", "error"];

describe("faces", () => {
  it.each(all)("%s has a badge and a headline", (status) => {
    expect(face(status).badge).not.toBe("");
    expect(face(status).title).not.toBe("");
  });

  it("keeps red for live and for harm", () => {
    expect(all.filter((s) => ["live", "harm"].includes(face(s).tone))).toEqual(["live", "error"]);
  });

  it("never shouts", () => {
    for (const status of all) expect(face(status).title + face(status).text).not.toContain("!");
  });

  it("shows a state it does not know as not started", () => {
    expect(face("archived" as Status)).toBe(face("created"));
  });
});

it.each([
  ["requested", undefined],
  ["publisher_gone", "Your connection was away for too long."],
  ["a cause of a newer server", undefined],
  ["", undefined],
  [null, undefined],
])("an end because of %s: %s", (cause, want) => expect(endReason(cause)).toBe(want));

it.each<[Status, boolean, boolean]>([
  ["created", false, false],
  ["prepared", false, false],
  ["live", true, false],
  ["reconnecting", true, false],
  ["ended", false, true],
  ["error", false, true],
])("%s: playable %s, over %s", (status, plays, ended) => {
  expect(playable(status)).toBe(plays);
  expect(over(status)).toBe(ended);
});
