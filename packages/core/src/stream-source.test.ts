import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readStreamInput } from "./stream-source.ts";

const kilobyte = 1024;

function itemsOf(value: object): AsyncIterable<unknown> {
  const input = readStreamInput(value);
  if (input === undefined) throw new Error("no stream");
  return input.items;
}

async function collect(value: object): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of itemsOf(value)) items.push(item);
  return items;
}

function counting(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => index * 7);
}

/** A ReadableStream of these, and why it was cancelled. */
function readable(chunks: readonly unknown[], { end = true } = {}) {
  const state: { cancelled: boolean } = { cancelled: false };
  const stream = new ReadableStream<unknown>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      if (end) controller.close();
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { stream, state };
}

describe("a Blob", () => {
  it("is its bytes, in pieces of 64 KiB, and says how many they are", async () => {
    const bytes = counting(2_500 * kilobyte);
    const blob = new Blob([bytes]);
    expect(readStreamInput(blob)?.size).toBe(bytes.length);
    const pieces = (await collect(blob)) as Uint8Array[];
    expect(new Set(pieces.slice(0, -1).map(({ length }) => length))).toEqual(new Set([64 * kilobyte]));
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  });

  it("is nothing where it is empty", async () => {
    expect(readStreamInput(new Blob([]))?.size).toBe(0);
    expect(await collect(new Blob([]))).toEqual([]);
  });
});

describe("a ReadableStream", () => {
  it("is its chunks", async () => {
    const { stream } = readable(["one", 2, undefined, { three: 3 }]);
    expect(await collect(stream)).toEqual(["one", 2, undefined, { three: 3 }]);
  });

  it("has its bytes cut into pieces of 64 KiB: how it has cut them itself means nothing", async () => {
    const bytes = counting(200 * kilobyte);
    const { stream } = readable([bytes, counting(3), bytes]);
    const pieces = (await collect(stream)) as Uint8Array[];
    expect(pieces.map(({ length }) => length / kilobyte)).toEqual([64, 64, 64, 8, 3 / kilobyte, 64, 64, 64, 8]);
    expect(Buffer.concat(pieces).equals(Buffer.concat([bytes, counting(3), bytes]))).toBe(true);
  });

  it("is locked when its items are asked for, and not before", () => {
    const { stream } = readable([]);
    const items = itemsOf(stream);
    expect(stream.locked).toBe(false);
    items[Symbol.asyncIterator]();
    expect(stream.locked).toBe(true);
  });

  it.each([
    ["before it was begun", 0],
    ["in the middle", 1],
  ])("is cancelled when nobody wants more: %s", async (_, taken) => {
    const { stream, state } = readable(["one", "two"]);
    const iterator = itemsOf(stream)[Symbol.asyncIterator]();
    for (let count = 0; count < taken; count++) await iterator.next();
    await iterator.return?.();
    expect(state.cancelled).toBe(true);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("is cancelled also while it is waited for", async () => {
    const { stream, state } = readable([], { end: false });
    const iterator = itemsOf(stream)[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return?.();
    expect([await next, state.cancelled]).toEqual([{ done: true, value: undefined }, true]);
  });

  it("that fails throws what it failed with", async () => {
    const stream = new ReadableStream({ pull: () => Promise.reject(new Error("the disk is gone")) });
    await expect(collect(stream)).rejects.toThrow("the disk is gone");
  });
});

describe("a Readable of Node's", () => {
  it("is its chunks", async () => {
    expect(await collect(Readable.from(["one", "two"]))).toEqual(["one", "two"]);
  });

  it.each([
    ["before it was begun", 0],
    ["in the middle", 1],
  ])("is destroyed when nobody wants more, and with it its file is closed: %s", async (_, taken) => {
    const stream = createReadStream(import.meta.filename, { highWaterMark: 16 });
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    const iterator = itemsOf(stream)[Symbol.asyncIterator]();
    for (let count = 0; count < taken; count++) await iterator.next();
    await iterator.return?.();
    await closed;
    expect(stream.destroyed).toBe(true);
  });
});

describe("an async iterable", () => {
  it("is asked for its items once, and may say how many bytes they are", async () => {
    async function* numbers() {
      yield* [1, 2];
    }
    const sized = { size: 12, [Symbol.asyncIterator]: numbers };
    expect(readStreamInput(sized)?.size).toBe(12);
    expect(readStreamInput(numbers())?.size).toBeUndefined();
    expect(await collect(sized)).toEqual([1, 2]);
  });

  it("has no size where what it says is no number of bytes", () => {
    async function* numbers() {
      yield 1;
    }
    for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "12"]) {
      expect(readStreamInput({ size, [Symbol.asyncIterator]: numbers })?.size).toBeUndefined();
    }
  });
});

it.each([
  ["an array", [1]],
  ["a Uint8Array", new Uint8Array(3)],
  ["an object", {}],
  ["a Map", new Map()],
])("%s is no stream", (_, value) => {
  expect(readStreamInput(value)).toBeUndefined();
});
