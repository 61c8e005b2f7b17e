import { expect, test } from "vitest";
import * as closeCode from "./close-code.ts";

test("mayReconnect says no after a refusal that would be repeated, and yes after everything else", () => {
  const { mayReconnect, ...codes } = closeCode;
  const terminal: readonly number[] = [1009, 4400, 4401, 4403, 4409];
  for (const code of [...Object.values(codes), 1005, 1006, 1012, 4000, 4999]) {
    expect([code, mayReconnect(code)]).toEqual([code, !terminal.includes(code)]);
  }
});
