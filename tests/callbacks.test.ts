/** Callbacks that fail are their owner's affair: uncaught where they are, and harmless everywhere else. */
import { expect, test } from "vitest";
import { bundleProgram } from "./fixture/bundled-program.ts";
import { Killable } from "./fixture/killable.ts";

test("what a callback throws, or its promise rejects with, is uncaught; the subscription and the client go on", async () => {
  const program = await bundleProgram("failing-callbacks.ts");
  try {
    const process = new Killable(program);
    process.start();
    await process.printed(/^over$/);
    expect(process.lines.filter((line) => !line.includes(": "))).toEqual([
      "item 0",
      "item 1",
      "item 2",
      "item 3",
      "complete",
      "still here",
      "over",
    ]);
    expect(process.lines.filter((line) => line.includes(": ")).sort()).toEqual([
      "uncaughtException: thrown at 1",
      "uncaughtException: thrown at the end",
      "unhandledRejection: rejected at 2",
    ]);
  } finally {
    await program.remove();
  }
});
