import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/client";
import type { Status, Stream, Streams } from "../api/streams";
import { Watched } from "./watched.svelte";

const closed = 2;

/** An EventSource that the test answers for. */
class FakeSource extends EventTarget {
  static all: FakeSource[] = [];
  readyState = 0;

  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }

  static get open(): FakeSource[] {
    return FakeSource.all.filter(({ readyState }) => readyState !== closed);
  }

  close(): void {
    this.readyState = closed;
  }

  /** As on an answer of 429 or 503: the browser does not try again. */
  refuse(): void {
    this.readyState = closed;
    this.dispatchEvent(new Event("error"));
  }
}

let status: Status;
let answers: () => Promise<Partial<Stream>>;
let asked: number;
let watched: Watched;
let hopPage: EventTarget;

const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1000);
const offline = () => Promise.reject(new ApiError(0, "unreachable", "The server does not answer."));

function open(protocol: string) {
  vi.stubGlobal("location", { protocol: protocol === "h2" ? "https:" : "http:" });
  vi.spyOn(performance, "getEntriesByType").mockReturnValue([{ nextHopProtocol: protocol }] as never);
  const get = () => {
    asked++;
    return answers();
  };
  watched = new Watched({ get } as unknown as Streams, "1");
  void watched.run();
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSource.all = [];
  asked = 0;
  status = "live";
  answers = async () => ({ id: 1, status, dash_url: "x" });
  hopPage = new EventTarget();
  vi.stubGlobal("window", hopPage);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal("EventSource", FakeSource);
});

afterEach(() => {
  watched.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("a way back", () => {
  it("is there for events that are refused, for as long as it takes", async () => {
    open("h2");
    for (let minute = 0; minute < 10; minute++) {
      await seconds(60);
      for (const source of FakeSource.open) source.refuse();
    }
    await seconds(20);
    expect(FakeSource.open).toHaveLength(1);
    expect(FakeSource.all.length).toBeLessThan(60);
  });

  it("is there when the network was away", async () => {
    answers = offline;
    open("h2");
    await seconds(180);
    expect(watched.trouble).toBe("unreachable");
    answers = async () => ({ id: 1, status, dash_url: "x" });
    hopPage.dispatchEvent(new Event("online"));
    await seconds(0.1);
    expect(watched.stream?.status).toBe("live");
    expect(watched.trouble).toBeUndefined();
  });

  it.each([200, 403, 404])("is there when something answered %i that was not the server", async (code) => {
    answers = () => Promise.reject(new ApiError(code, `http_${code}`, "Sign in to this network."));
    open("h2");
    await seconds(180);
    expect(asked).toBeLessThan(6);
    answers = async () => ({ id: 1, status, dash_url: "x" });
    await seconds(61);
    expect(watched.stream?.status).toBe("live");
  });
});

describe("by HTTP/1.1", () => {
  beforeEach(() => open("http/1.1"));

  it("no connection is held for events while media need them", async () => {
    await seconds(30);
    expect(FakeSource.all).toEqual([]);
    expect(asked).toBeGreaterThan(5);
    status = "ended";
    await seconds(6);
    expect(watched.stream?.status).toBe("ended");
  });

  it("events are waited for until there are media", async () => {
    status = "prepared";
    await seconds(6);
    expect(FakeSource.open).toHaveLength(1);
    status = "live";
    FakeSource.open[0]?.dispatchEvent(Object.assign(new Event("streamStarted"), { data: "{}" }));
    await seconds(0.1);
    expect(watched.stream?.status).toBe("live");
    expect(FakeSource.open).toEqual([]);
  });

  it("the end of an interruption is seen within two seconds", async () => {
    status = "reconnecting";
    await seconds(6);
    status = "live";
    await seconds(2);
    expect(watched.stream?.status).toBe("live");
  });
});

it("by HTTP/2 events are held, and a hidden page asks for nothing", async () => {
  open("h2");
  await seconds(1);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: true }));
  await seconds(1);
  const before = asked;
  await seconds(60);
  expect(FakeSource.open).toHaveLength(1);
  expect(asked - before).toBeLessThanOrEqual(1);
});
