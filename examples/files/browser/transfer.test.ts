import { describe, expect, it } from "vitest";
import { Transfer } from "./transfer.ts";

const outcome = { here: "a", there: "a" };

describe("a transfer", () => {
  it("is done when it has been moved, and then all of it has", async () => {
    const transfer = new Transfer("up", "a.txt", 10);
    await transfer.run(() => {
      transfer.progress(4);
      return Promise.resolve(outcome);
    });
    expect([transfer.state, transfer.bytes, transfer.outcome]).toEqual(["done", 10, outcome]);
  });

  it("holds whoever moves it while it is paused", async () => {
    const transfer = new Transfer("up", "a.txt", 10);
    expect(transfer.resumed).toBeUndefined();
    transfer.pause();
    const { resumed } = transfer;
    transfer.resume();
    await resumed;
    expect([transfer.state, transfer.resumed]).toEqual(["running", undefined]);
  });

  it("lets go of whoever moves it when it is cancelled", async () => {
    const transfer = new Transfer("down", "a.txt", 10);
    const run = transfer.run(async () => {
      transfer.pause();
      await transfer.resumed;
      throw new Error("aborted");
    });
    transfer.cancel();
    await run;
    expect([transfer.state, transfer.signal.aborted]).toEqual(["cancelled", true]);
  });

  it("has failed, in words, where it was not cancelled; and stays so", async () => {
    const transfer = new Transfer("down", "a.txt", 10);
    await transfer.run(() => Promise.reject(new Error("The disk is full")));
    expect([transfer.state, transfer.problem]).toEqual(["failed", "The disk is full"]);
    transfer.pause();
    transfer.resume();
    expect(transfer.state).toBe("failed");
  });

  it("tells of each change", async () => {
    const transfer = new Transfer("up", "a.txt", 10);
    const seen: string[] = [];
    transfer.onChange = () => seen.push(`${transfer.state} ${transfer.bytes}`);
    await transfer.run(() => {
      transfer.progress(4);
      transfer.pause();
      transfer.resume();
      return Promise.resolve(outcome);
    });
    expect(seen).toEqual(["running 4", "paused 4", "running 4", "done 10"]);
  });
});
