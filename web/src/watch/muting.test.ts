import { expect, it, vi } from "vitest";
import { Muting } from "./muting";

function scene() {
  let opened = () => undefined as void;
  const open = vi.fn(() => new Promise<void>((resolve) => (opened = resolve)));
  const set = vi.fn();
  return { muting: new Muting(open, set), open, set, opened: () => opened() };
}

it("unmutes when the device is open, though the element says that it is muted meanwhile", async () => {
  const { muting, set, opened } = scene();
  const done = muting.ask(false, true);
  expect(muting.shows(true)).toBe(false); // a change of the volume is reported
  expect(set).not.toHaveBeenCalled();
  opened();
  await done;
  expect(set.mock.calls).toEqual([[false]]);
  expect(muting.shows(true)).toBe(true);
});

it("opens the device once for a volume that is dragged", async () => {
  const { muting, open, set, opened } = scene();
  const all = [muting.ask(false, true), muting.ask(false, true), muting.ask(false, true)];
  opened();
  await Promise.all(all);
  expect(open).toHaveBeenCalledTimes(1);
  expect(set.mock.calls).toEqual([[false]]);
});

it("leaves out what is asked otherwise meanwhile", async () => {
  const { muting, set, opened } = scene();
  const sound = muting.ask(false, true);
  await muting.ask(true, true);
  opened();
  await sound;
  expect(set.mock.calls).toEqual([[true]]);
});
