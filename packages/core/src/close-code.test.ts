import { expect, test } from "vitest";
import * as closeCode from "./close-code.ts";

test("endsSession says yes where the client is done, or whoever broke the protocol would do it again", () => {
  const ended = [...Array(5_000).keys()].filter((code) => closeCode.endsSession(code));
  expect(ended).toEqual([1000, 1001, 1002, 1007, 1009, 4400, 4411, 4501]);
});

test("mayReconnect says no after a refusal that would be repeated, and yes after everything else", () => {
  const { mayReconnect, endsSession: _ends, ...codes } = closeCode;
  const terminal: readonly number[] = [1009, 4400, 4401, 4403, 4409, 4411];
  for (const code of [...Object.values(codes), 1005, 1006, 1012, 4000, 4999]) {
    expect([code, mayReconnect(code)]).toEqual([code, !terminal.includes(code)]);
  }
});
