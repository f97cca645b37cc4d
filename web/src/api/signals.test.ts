import { expect, it } from "vitest";
import { anySignal } from "./signals";

it("fires with the first of several, for its reason", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const any = anySignal(first.signal, second.signal);
  expect(any.aborted).toBe(false);
  second.abort("second");
  first.abort("first");
  expect(any.aborted).toBe(true);
  expect(any.reason).toBe("second");
});

it("has fired where one has", () => {
  expect(anySignal(new AbortController().signal, AbortSignal.abort("gone")).reason).toBe("gone");
});
