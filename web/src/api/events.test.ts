import { describe, expect, it, vi } from "vitest";
import { errorMessage, subscribe, type Source, type StreamEvent } from "./events";

/** An EventSource whose events the test sends. */
class FakeSource implements Source {
  readyState = 1;
  closed = false;
  private readonly listeners = new Map<string, (event: { data?: unknown }) => void>();

  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.closed = true;
  }

  send(type: string, data?: unknown): void {
    this.listeners.get(type)?.({ data });
  }

  fail(readyState: number): void {
    this.readyState = readyState;
    this.send("error");
  }
}

function subscribed() {
  const source = new FakeSource();
  const seen: StreamEvent[] = [];
  const closed = vi.fn();
  let url = "";
  const subscription = subscribe(
    "/streams/2/events",
    (e) => seen.push(e),
    closed,
    (at) => ((url = at), source),
  );
  return { source, seen, closed, subscription, url };
}

describe("subscribe", () => {
  it("listens under /v1", () => expect(subscribed().url).toBe("/v1/streams/2/events"));

  it("parses what events carry", () => {
    const { source, seen } = subscribed();
    source.send("streamStarted", '{"dash":"x"}');
    source.send("streamEnded", "");
    source.send("iceCandidate", "not json");
    source.send("somethingElse", "{}");
    expect(seen).toEqual([
      { name: "streamStarted", data: { dash: "x" } },
      { name: "streamEnded", data: undefined },
      { name: "iceCandidate", data: undefined },
    ]);
  });

  it("leaves a loss to the browser, which connects again", () => {
    const { source, closed } = subscribed();
    source.fail(0);
    source.fail(0);
    expect(closed).not.toHaveBeenCalled();
  });

  it("tells once when the server has closed for good", () => {
    const { source, closed } = subscribed();
    source.fail(2);
    source.fail(2);
    expect(closed).toHaveBeenCalledOnce();
  });

  it("is silent after close", () => {
    const { source, seen, closed, subscription } = subscribed();
    subscription.close();
    source.send("streamEnded", "{}");
    source.fail(2);
    expect(source.closed).toBe(true);
    expect(seen).toEqual([]);
    expect(closed).not.toHaveBeenCalled();
  });
});

it.each([
  [{ code: "encoder_failed", message: "the encoder stopped" }, "the encoder stopped"],
  [{ message: "" }, undefined],
  [{ message: 7 }, undefined],
  [undefined, undefined],
  ["text", undefined],
])("the message of %j is %j", (data, want) => expect(errorMessage(data)).toBe(want));
