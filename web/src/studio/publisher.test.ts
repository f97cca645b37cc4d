import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import type { StreamEvent } from "../api/events";
import type { Streams } from "../api/streams";
import { Publisher, type Phase } from "./publisher";

/** Connections, in the order they are made; each opens or fails as the test says. */
const connections: FakeConnection[] = [];
let opens: (() => Promise<void>)[] = [];
let hear: (event: StreamEvent) => void = () => undefined;

class FakeConnection {
  lose: () => void = () => undefined;
  closed = false;
  constructor() {
    connections.push(this);
  }
  open = () => (opens.shift() ?? (async () => undefined))();
  lost = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      this.lose = resolve;
      signal.addEventListener("abort", () => resolve());
    });
  addCandidate = vi.fn();
  replace = vi.fn(async () => true);
  stats = async () => undefined;
  close = () => void (this.closed = true);
}

vi.mock("./connection", () => ({
  Connection: vi.fn(function () {
    return new FakeConnection();
  }),
}));
vi.mock("../api/events", async (original) => ({
  ...(await original<typeof import("../api/events")>()),
  subscribe: (_path: string, onEvent: (event: StreamEvent) => void) => ((hear = onEvent), { close: () => undefined }),
}));

function publisher(answers: Partial<Record<keyof Streams, unknown>> = {}, wasLive = false) {
  const phases: [Phase, string?][] = [];
  const streams = {
    prepare: vi.fn(async () => ({})),
    eventKey: vi.fn(async () => "key"),
    start: vi.fn(async () => ({})),
    end: vi.fn(async () => ({})),
    get: vi.fn(async () => ({ status: "live", is_live: true })),
    ...answers,
  };
  const media = { getTracks: () => [] } as unknown as MediaStream;
  const events = {
    onPhase: (phase: Phase, message?: string) => phases.push(message === undefined ? [phase] : [phase, message]),
    onSample: () => undefined,
  };
  const p = new Publisher(streams as unknown as Streams, 2, media, 1e6, events, wasLive);
  return { p, streams, phases, names: () => phases.map(([phase]) => phase) };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", new EventTarget());
  connections.length = 0;
  opens = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("publisher", () => {
  it("prepares, connects, starts, and ends on request", async () => {
    const { p, streams, names } = publisher();
    const running = p.run();
    await settle();
    expect(names()).toEqual(["starting", "live"]);
    await p.end();
    await running;
    expect(streams.end).toHaveBeenCalledWith(2);
    expect(names().at(-1)).toBe("ended");
    expect(connections[0]?.closed).toBe(true);
  });

  it("connects again after a loss, to the same stream", async () => {
    const { p, streams, names } = publisher();
    void p.run();
    await settle();
    connections[0]?.lose();
    await vi.advanceTimersByTimeAsync(500);
    expect(names()).toEqual(["starting", "live", "reconnecting", "live"]);
    expect(streams.prepare).toHaveBeenCalledOnce();
    expect(connections).toHaveLength(2);
    p.close();
  });

  it("waits longer after each failure, and goes on for as long as the stream does", async () => {
    const { p, names } = publisher();
    void p.run();
    await settle();
    opens = Array.from({ length: 6 }, () => async () => Promise.reject(new Error("no way")));
    connections[0]?.lose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connections).toHaveLength(8);
    expect(names().at(-1)).toBe("live");
    p.close();
  });

  it("tries at once when the machine is online again", async () => {
    const { p } = publisher();
    void p.run();
    await settle();
    opens = Array.from({ length: 5 }, () => async () => Promise.reject(new Error("offline")));
    connections[0]?.lose();
    await vi.advanceTimersByTimeAsync(4000);
    const before = connections.length;
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(connections.length).toBe(before + 1);
    p.close();
  });

  it("gives up on a stream that never was live", async () => {
    opens = Array.from({ length: 3 }, () => async () => Promise.reject(new Error("A firewall may block it.")));
    const { p, phases } = publisher();
    void p.run();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(phases.at(-1)).toEqual(["failed", "A firewall may block it."]);
    expect(connections).toHaveLength(3);
  });

  it("says why a start was refused", async () => {
    const refused = new ApiError(400, "no_media", "No picture and no sound came.");
    const { p, phases } = publisher({
      start: vi.fn(async () => Promise.reject(refused)),
      get: vi.fn(async () => ({ status: "prepared", is_live: false })),
    });
    await p.run();
    expect(phases.at(-1)).toEqual(["failed", "No picture and no sound came."]);
  });

  it("stops when the stream was ended elsewhere", async () => {
    const { p, names } = publisher();
    const running = p.run();
    await settle();
    hear({ name: "streamEnded", data: {} });
    await running;
    expect(names().at(-1)).toBe("ended");
  });

  it("outlives an error that the stream outlives", async () => {
    const { p, names } = publisher();
    void p.run();
    await settle();
    hear({ name: "streamError", data: { message: "the encoder stopped" } });
    await settle();
    expect(names().at(-1)).toBe("live");
    p.close();
  });

  it("hands candidates to the connection", async () => {
    const { p } = publisher();
    void p.run();
    await settle();
    hear({ name: "iceCandidate", data: { candidate: "x" } });
    expect(connections[0]?.addCandidate).toHaveBeenCalledWith({ candidate: "x" });
    p.close();
  });

  it("leaves no timer behind", async () => {
    const { p } = publisher();
    const running = p.run();
    await settle();
    p.close();
    await running;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("continues a stream that was live after a network that was away for long", async () => {
    let away = true;
    const prepare = vi.fn(async () => {
      if (away) throw new ApiError(0, "unreachable", "The server does not answer.");
      return {};
    });
    const { p, names } = publisher({ prepare }, true);
    void p.run();
    await vi.advanceTimersByTimeAsync(180_000);
    expect(names()).toEqual(["reconnecting"]);
    away = false;
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(names().at(-1)).toBe("live");
    p.close();
  });
});
