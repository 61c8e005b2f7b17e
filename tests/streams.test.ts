import { type StreamProgress, TautlineError } from "@tautline/core";
import { beforeEach, describe, expect, it } from "vitest";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { collect, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { forgetSeen, seen, source, start } from "./fixture/stream-server.ts";

cleanUpAfterEach();
beforeEach(forgetSeen);

describe("a stream", () => {
  it("goes up, as fast as its handler reads", async () => {
    const { client } = await start();
    expect(await client.sum.mutate(source(10_000).numbers)).toBe(50_005_000);
    expect(await client.sum.mutate(source(0).numbers)).toBe(0);
  });

  it("goes down, and its items are what they were", async () => {
    const { client } = await start();
    const items = await collect(await client.count.query({ to: 3 }));
    expect(items).toEqual([1, 2, 3].map((n) => ({ n, at: new Date(n) })));
    expect(await collect(await client.count.query({ to: 0 }))).toEqual([]);
  });

  it("goes both ways at once, each item as it comes", async () => {
    const { client } = await start();
    const gates = [createGate<number>(), createGate<number>()];
    async function* numbers() {
      for (const gate of gates) yield await gate.opened;
    }
    const doubled = await client.double.mutate(numbers());
    gates[0]?.open(4);
    expect(await doubled.next()).toEqual({ done: false, value: 8 });
    gates[1]?.open(5);
    expect(await collect(doubled)).toEqual([10]);
  });

  it("may stand beside others, and beside plain values", async () => {
    const { client } = await start();
    async function* words() {
      yield* ["a", "b", "c"];
    }
    const { note, pairs } = await client.zip.query({ left: source(5).numbers, right: words() });
    expect([note, await collect(pairs)]).toEqual([
      "zipped",
      [
        [1, "a"],
        [2, "b"],
        [3, "c"],
      ],
    ]);
  });

  it("may be in each item of a subscription", async () => {
    const { client } = await start();
    const read: string[] = [];
    for await (const { page, lines } of client.pages.subscribe())
      read.push(`${page}: ${(await collect(lines)).join()}`);
    expect(read).toEqual(["1: 1.1,1.2", "2: 2.1,2.2", "3: 3.1,3.2"]);
  });

  it("is a ReadableStream where that is what one has", async () => {
    const { client } = await start();
    const readable = new ReadableStream<number>({
      start(controller) {
        for (const n of [1, 2, 3]) controller.enqueue(n);
        controller.close();
      },
    });
    expect(await client.sum.mutate(readable)).toBe(6);
  });

  it("is an object that can be iterated, as one writes it down", async () => {
    const { client } = await start();
    expect(await client.sum.mutate({ [Symbol.asyncIterator]: () => source(3).numbers })).toBe(6);
  });
});

describe("whoever reads too slowly", () => {
  it("pauses a handler", async () => {
    const { client } = await start();
    const items = await client.count.query({ to: 10_000 });
    await quiet(() => seen.yielded);
    expect(seen.yielded).toBeLessThanOrEqual(1024);
    for (let n = 1; n <= 10_000; n++) expect((await items.next()).value?.n).toBe(n);
    expect((await items.next()).done).toBe(true);
  });

  it("pauses a caller's source", async () => {
    const { client } = await start();
    const { state, numbers } = source(10_000);
    const doubled = await client.double.mutate(numbers);
    await quiet(() => state.given);
    // Two windows, what goes up and what comes down, each of them as large as one may become.
    expect(state.given).toBeLessThanOrEqual(4_200);
    expect((await collect(doubled)).length).toBe(10_000);
  });
});

describe("whoever has enough", () => {
  it("of what goes down leaves the loop, and the handler's generator ends", async () => {
    const { client } = await start();
    for await (const { n } of await client.count.query({ to: 1_000_000 })) if (n === 5) break;
    await until("it has ended", () => seen.cleaned.length > 0);
    expect(seen.yielded).toBeLessThan(3_000);
  });

  it("of what goes up leaves the loop, and the caller's generator ends", async () => {
    const { client } = await start();
    const { state, numbers } = source(1_000_000);
    expect(await client.first.mutate({ count: 3, numbers })).toEqual([1, 2, 3]);
    await until("it has ended", () => state.ended);
    expect(state.given).toBeLessThan(3_000);
  });

  it("of the call aborts it, and both ends of its streams end", async () => {
    const { client } = await start();
    const controller = new AbortController();
    const { state, numbers } = source(1_000_000);
    const doubled = await client.double.mutate(numbers, { signal: controller.signal });
    await doubled.next();
    controller.abort();
    await expect(collect(doubled)).rejects.toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await until("all has ended", () => state.ended && seen.cleaned.includes("double"));
  });

  it("is heard by the handler's signal, though it has answered", async () => {
    const { client } = await start();
    const items = await client.count.query({ to: 1, fail: "wait" });
    await items.next();
    await items.return?.();
    await until("it has ended", () => seen.cleaned.length > 0);
    expect(seen.reason).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
  });

  it("takes nothing: a handler that answers without reading ends what goes up", async () => {
    const { client } = await start();
    const { state, numbers } = source(10);
    expect(await client.ignore.mutate(numbers)).toBe("not read");
    await until("it has ended", () => state.ended || state.given === 0);
    expect(state.given).toBeLessThanOrEqual(10);
  });
});

describe("an error", () => {
  it("that a handler throws on purpose is what its reader gets, after the items", async () => {
    const { client } = await start();
    const items = await client.count.query({ to: 2, fail: "deliberate" });
    const read: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const { n } of items) read.push(n);
      })(),
    );
    expect([read, error]).toMatchObject([[1, 2], { code: "CONFLICT", message: "no more" }]);
  });

  it("that it does not is told to nobody but the server", async () => {
    const { client, errors } = await start();
    const error = await rejection(collect(await client.count.query({ to: 1, fail: "secret" })));
    expect(error).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(errors).toContain("secret");
  });

  it("of a handler's item that does not fit is the server's", async () => {
    const { client } = await start();
    const items = await client.bad.query();
    expect(await items.next()).toEqual({ done: false, value: 1 });
    expect(await rejection(items.next())).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
  });

  it("of a caller's item that does not fit is the caller's, and ends its source", async () => {
    const { client } = await start();
    let ended = false;
    async function* numbers() {
      try {
        yield 1;
        yield "two" as unknown as number;
        for (;;) yield 3;
      } finally {
        ended = true;
      }
    }
    expect(await rejection(client.sum.mutate(numbers()))).toMatchObject({ code: "BAD_REQUEST" });
    await until("it has ended", () => ended);
  });

  it("that a caller's source throws is what the handler gets", async () => {
    const { client, errors } = await start();
    async function* numbers() {
      yield 1;
      throw new Error("the disk is gone");
    }
    expect(await rejection(client.sum.mutate(numbers()))).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    expect(errors.length).toBeGreaterThan(0);
  });

  it("that is too long to be sent is none the less one for whoever reads the stream", async () => {
    const { client } = await start();
    const items = await client.count.query({ to: 1, fail: "at length" });
    expect(await rejection(collect(items))).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    const error = new TautlineError({ code: "CONFLICT", message: "no more".repeat(200_000) });
    async function* numbers() {
      yield 1;
      throw error;
    }
    expect(await rejection(client.sum.mutate(numbers()))).toMatchObject({
      code: "INTERNAL_SERVER_ERROR",
      cause: error,
    });
  });
});

describe("a client without `streams`", () => {
  it("cannot send one, and is told so; its source ends", async () => {
    const { client } = await start({ streams: undefined } as never);
    const { state, numbers } = source(1);
    const error = await rejection(client.sum.mutate(numbers));
    expect(error).toMatchObject({ code: "UNSUPPORTED_MEDIA_TYPE", message: "nothing carries streams here" });
    expect([state.given, (await numbers.next()).done]).toEqual([0, true]);
  });

  it("is sent none: the call fails, its source ends, and all else goes on", async () => {
    const { client } = await start({ streams: undefined } as never);
    const error = await rejection(client.count.query({ to: 1_000 }));
    expect(error).toMatchObject({ code: "UNSUPPORTED_MEDIA_TYPE" });
    expect(await rejection(collect(client.pages.subscribe()))).toMatchObject({ code: "UNSUPPORTED_MEDIA_TYPE" });
    expect(client.connection.state.status).toBe("online");
    expect(seen.yielded).toBe(0);
  });
});

describe("a connection that breaks", () => {
  it("breaks no stream: every item comes, once, in order, both ways", async () => {
    const { client, proxy } = await start();
    const { numbers } = source(20_000);
    const doubled = await client.double.mutate(numbers);
    let expected = 0;
    for await (const number of doubled) {
      expected += 2;
      expect(number).toBe(expected);
      if (expected % 8_000 === 0) proxy.cut();
    }
    expect(expected).toBe(40_000);
  });
});

describe("progress", () => {
  it("is told of what goes up and of what goes down", async () => {
    const { client } = await start();
    const told: StreamProgress[] = [];
    const text = "x".repeat(900);
    async function* words() {
      for (let n = 0; n < 6_000; n++) yield text;
    }
    const { pairs } = await client.zip.query(
      { left: source(6_000).numbers, right: words() },
      { onProgress: (progress) => told.push(progress) },
    );
    await collect(pairs);
    const ups = told.filter(({ direction, stream: number }) => direction === "up" && number === 2);
    const downs = told.filter(({ direction }) => direction === "down");
    expect(ups.length).toBeGreaterThan(3);
    expect(ups.map(({ bytes }) => bytes)).toEqual(ups.map(({ bytes }) => bytes).toSorted((a, b) => a - b));
    expect(downs.length).toBeGreaterThan(3);
  });
});

/** Waits until a figure has not changed for many turns. */
async function quiet(figure: () => number): Promise<void> {
  for (let turns = 0, last = -1; turns < 50; last = figure()) {
    await turn();
    turns = figure() === last ? turns + 1 : 0;
  }
}
