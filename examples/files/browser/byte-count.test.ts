import { expect, it } from "vitest";
import { describeBytes } from "./byte-count.ts";

it.each([
  [0, "0 byte"],
  [999, "999 byte"],
  [1_000, "1 kB"],
  [65_536, "66 kB"],
  [3_250_000, "3.3 MB"],
  [104_857_600, "104.9 MB"],
  [2_500_000_000_000, "2,500 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(describeBytes(bytes)).toBe(text);
});
