import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, Client, sentence } from "./client";

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const fetched = vi.fn(async () => new Response(text, { status, headers }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => vi.unstubAllGlobals());

describe("client", () => {
  it("opens the envelope", async () => {
    answer(200, { code: 200, message: "OK", data: { id: 2 } });
    expect(await new Client().get("/streams/2")).toEqual({ id: 2 });
  });

  it("sends the key in a header and never in the address", async () => {
    const fetched = answer(200, { code: 200, message: "OK", data: true });
    await new Client("sluice_secret").post("/streams/2/end");
    const [url, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
    expect(url).toBe("/v1/streams/2/end");
    expect(init.headers).toMatchObject({ Authorization: "Bearer sluice_secret" });
  });

  it("sends no key when it has none", async () => {
    const fetched = answer(200, { code: 200, message: "OK", data: true });
    await new Client().get("/streams/2");
    const [, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
    expect(init.headers).not.toHaveProperty("Authorization");
  });

  it.each([
    [
      "a refusal",
      404,
      { code: 404, message: "no such stream", data: "", error: "stream_not_found" },
      "stream_not_found",
      "No such stream.",
    ],
    ["a proxy's page", 502, "<html>Bad gateway</html>", "http_502", "The server answered 502."],
    ["success that is not JSON", 200, "hello", "http_200", "The server answered 200."],
  ])("makes an error of %s", async (_name, status, body, code, message) => {
    answer(status, body, { "X-Request-Id": "REF" });
    const error = await new Client().get("/streams/9").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status, code, message, reference: "REF" });
  });

  it("says so when nobody answers", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    const error = await new Client().get("/streams").catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 0, code: "unreachable", transient: true });
  });
});

describe("transient", () => {
  it.each([
    [0, true],
    [429, true],
    [500, true],
    [503, true],
    [400, false],
    [403, false],
    [404, false],
  ])("status %d: %s", (status, transient) => {
    expect(new ApiError(status, "x", "x").transient).toBe(transient);
  });
});

it.each([
  ["stream 2 has ended", "Stream 2 has ended."],
  ["Done.", "Done."],
  ["really?", "Really?"],
  ["  ", undefined],
  [undefined, undefined],
])("sentence of %j is %j", (message, want) => expect(sentence(message)).toBe(want));
