import { createHash } from "node:crypto";
import { createReadStream, type ReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createClient, streams } from "@tautline/client";
import {
  bytes,
  contract,
  fields,
  mutation,
  query,
  rich,
  type StreamProgress,
  stream,
  TautlineError,
} from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing, collect, rejection } from "./fixture/client.ts";
import { createGate } from "./fixture/gate.ts";
import { startServer } from "./fixture/server.ts";
import { startTcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();

const kilobyte = 1024;

const api = contract({
  /** Reads what goes up; `slowly` waits for a gate before each piece. */
  upload: mutation({
    input: fields({ file: stream(bytes()) }),
    output: z.object({ sha256: z.string(), size: z.number().optional() }),
  }),
  download: query({ input: z.object({ length: z.number() }), output: fields({ file: stream(bytes()) }) }),
  /** Has what goes up read by a pipeline of Node's. */
  pipe: mutation({ input: stream(bytes()), output: z.string() }),
  /** What is too large to be sent. */
  bad: query({ output: fields({ text: z.string(), file: stream(bytes()) }) }),
  /** This file, from the disk. */
  source: query({ output: fields({ length: z.number(), file: stream(bytes()) }) }),
});

/** What the handlers have seen. */
let seen: { read: number; error: unknown; aborted: unknown; opened: ReadStream | undefined };
/** What an upload waits for before each piece. */
let gate: Promise<void> | undefined;
beforeEach(() => {
  seen = { read: 0, error: undefined, aborted: undefined, opened: undefined };
  gate = undefined;
});

const t = initTRPC.create({ transformer: rich });
const { procedures: p, router: build } = implement(api, t);
const router = build({
  upload: p.upload.mutation(async ({ input: { file }, signal }) => {
    signal?.addEventListener("abort", () => {
      seen.aborted = signal.reason;
    });
    const hash = createHash("sha256");
    try {
      for await (const piece of file) {
        await gate;
        seen.read += piece.length;
        hash.update(piece);
      }
    } catch (error) {
      seen.error = error;
      throw error;
    }
    return { sha256: hash.digest("hex"), size: file.size };
  }),
  download: p.download.query(({ input }) => ({ file: new Blob([counting(input.length)]) })),
  pipe: p.pipe.mutation(async ({ input, signal }) => {
    const hash = createHash("sha256");
    await pipeline(input, hash, { signal });
    return hash.digest("hex");
  }),
  bad: p.bad.query(() => ({ text: "x".repeat(2_000 * kilobyte), file: openFile() })),
  source: p.source.query(async () => {
    const file = openFile();
    return { length: (await stat(import.meta.filename)).size, file };
  }),
});

function openFile(): ReadStream {
  const file = createReadStream(import.meta.filename, { highWaterMark: 64 });
  seen.opened = file;
  return file;
}

async function start() {
  const server = await startServer({ router, onError: () => {} });
  const proxy = await startTcpProxy(server.url);
  const client = closing(
    createClient({ contract: api, url: proxy.url, transformer: rich, streams, backoff: { baseMs: 1 } }),
  );
  return { client, proxy };
}

function counting(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 2_654_435_761) >>> 24);
}

function hashOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

describe("a file", () => {
  it("goes up as it is, and its handler knows how long it is", async () => {
    const { client, proxy } = await start();
    const content = counting(3_000 * kilobyte + 5);
    const gateway = createGate<void>();
    gate = gateway.opened;
    const uploaded = client.upload.mutate({ file: new File([content], "a.bin") });
    await until("it is on its way", () => (proxy.connections[0]?.passed.up ?? 0) > 100 * kilobyte);
    proxy.cut();
    gateway.open();
    expect(await uploaded).toEqual({ sha256: hashOf(content), size: content.length });
  });

  it("comes down as it is, and its reader knows how long it is", async () => {
    const { client } = await start();
    const length = 1_000 * kilobyte + 5;
    const { file } = await client.download.query({ length });
    expect(file.size).toBe(length);
    expect(Buffer.concat(await collect(file)).equals(counting(length))).toBe(true);
  });

  it("may be read by a pipeline of Node's, which pauses and ends as it does", async () => {
    const { client } = await start();
    const content = counting(2_000 * kilobyte);
    expect(await client.pipe.mutate(new Blob([content]))).toBe(hashOf(content));
    const controller = new AbortController();
    const state = { given: 0, ended: false };
    async function* endless() {
      try {
        for (; ; state.given++) yield counting(kilobyte);
      } finally {
        state.ended = true;
      }
    }
    const call = client.pipe.mutate(endless(), { signal: controller.signal });
    await until("it flows", () => state.given > 1_000);
    controller.abort();
    expect(await rejection(call)).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await until("it has ended", () => state.ended);
  });

  it("may be empty", async () => {
    const { client } = await start();
    expect(await client.upload.mutate({ file: new Blob([]) })).toEqual({ sha256: hashOf(new Uint8Array()), size: 0 });
    const { file } = await client.download.query({ length: 0 });
    expect([file.size, await collect(file)]).toEqual([0, []]);
  });

  it("goes through from where it comes to where it is wanted: what came down goes up", async () => {
    const { client } = await start();
    const { file } = await client.download.query({ length: 1_000 * kilobyte });
    const { sha256, size } = await client.upload.mutate({ file });
    expect([sha256, size]).toEqual([hashOf(counting(1_000 * kilobyte)), 1_000 * kilobyte]);
  });

  it("on the server's disk is closed there when its reader has enough", async () => {
    const { client } = await start();
    const { length, file } = await client.source.query();
    for await (const piece of file) {
      expect(piece.length).toBeLessThanOrEqual(length);
      break;
    }
    await until("it is closed", () => seen.opened?.destroyed === true);
  });

  it("on the server's disk is closed there when its call was given up before it was answered", async () => {
    const { client } = await start();
    const controller = new AbortController();
    const call = client.source.query(undefined, { signal: controller.signal });
    await until("it is open", () => {
      if (seen.opened !== undefined) controller.abort();
      return seen.opened !== undefined;
    });
    expect(await rejection(call)).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await until("it is closed", () => seen.opened?.destroyed === true);
  });

  it("on the server's disk is closed there when the answer that it is in cannot be sent", async () => {
    const { client } = await start();
    expect(await rejection(client.bad.query())).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    await until("it is closed", () => seen.opened?.destroyed === true);
  });

  it("is let go when the input that it is in cannot be sent", async () => {
    const { client } = await start();
    let cancelled = false;
    const file = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    const more = { text: "x".repeat(2_000 * kilobyte) };
    expect(await rejection(client.upload.mutate({ file, ...more }))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(cancelled).toBe(true);
  });
});

describe("progress", () => {
  it("of what goes up is what the handler has taken: it stands still while that does", async () => {
    const { client, proxy } = await start();
    const gateway = createGate<void>();
    gate = gateway.opened;
    const told: StreamProgress[] = [];
    const length = 2_000 * kilobyte;
    const uploaded = client.upload.mutate(
      { file: new Blob([counting(length)]) },
      { onProgress: (progress) => told.push(progress) },
    );
    await until("what may be ahead has gone", () => (proxy.connections[0]?.passed.up ?? 0) > 256 * kilobyte);
    expect(told.filter(({ bytes: taken }) => taken > 128 * kilobyte)).toEqual([]);
    gateway.open();
    await uploaded;
    expect(told.length).toBeGreaterThan(10);
    expect(new Set(told.map(({ direction, stream: number }) => `${direction} ${number}`))).toEqual(new Set(["up 1"]));
    expect(new Set(told.map(({ totalBytes }) => totalBytes))).toEqual(new Set([length]));
    const taken = told.map((progress) => progress.bytes);
    expect(taken).toEqual(taken.toSorted((a, b) => a - b));
    expect(taken.at(-1)).toBe(length);
  });

  it("counts the bytes of small pieces, and not what carries them", async () => {
    const { client } = await start();
    const told: StreamProgress[] = [];
    async function* pieces() {
      for (let n = 0; n < 3_000; n++) yield new Uint8Array(100);
    }
    await client.upload.mutate({ file: pieces() }, { onProgress: (progress) => told.push(progress) });
    const taken = told.map((progress) => progress.bytes);
    expect(taken.at(-1)).toBe(300_000);
    expect(taken.every((count, index) => count <= 300_000 && count >= (taken[index - 1] ?? 0))).toBe(true);
    expect(told.at(0)?.totalBytes).toBeUndefined();
  });

  it("of what comes down is what its reader has taken, to the byte", async () => {
    const { client } = await start();
    const told: StreamProgress[] = [];
    const length = 1_000 * kilobyte + 5;
    const { file } = await client.download.query({ length }, { onProgress: (progress) => told.push(progress) });
    let taken = 0;
    for await (const piece of file) {
      taken += piece.length;
      expect(told.at(-1)).toEqual({ direction: "down", stream: 1, bytes: taken, totalBytes: length });
    }
    expect(taken).toBe(length);
  });
});

describe("a source that fails", () => {
  it("fails the call with what the source has thrown as its cause, which the server is not told", async () => {
    const { client } = await start();
    const thrown = new Error("the disk is gone");
    async function* pieces() {
      yield counting(10);
      throw thrown;
    }
    const error = await rejection(client.upload.mutate({ file: pieces() }));
    expect(error).toBeInstanceOf(TautlineError);
    expect(error).toMatchObject({ code: "INTERNAL_SERVER_ERROR", cause: thrown });
    expect(seen.error).toMatchObject({ code: "INTERNAL_SERVER_ERROR" });
    expect(String(seen.error)).not.toContain("disk");
  });

  it("tells the server of a TautlineError, code and message", async () => {
    const { client } = await start();
    async function* pieces() {
      yield counting(10);
      throw new TautlineError({ code: "CONFLICT", message: "the file has changed" });
    }
    expect(await rejection(client.upload.mutate({ file: pieces() }))).toMatchObject({
      code: "CONFLICT",
      message: "the file has changed",
    });
    expect(seen.error).toMatchObject({ code: "CONFLICT", message: "the file has changed" });
  });
});

describe("an upload that is cancelled", () => {
  it("ends at both ends: source, handler and its signal", async () => {
    const { client } = await start();
    const controller = new AbortController();
    let ended = false;
    async function* pieces() {
      try {
        for (;;) yield counting(kilobyte);
      } finally {
        ended = true;
      }
    }
    const call = client.upload.mutate({ file: pieces() }, { signal: controller.signal });
    await until("the handler reads", () => seen.read > 0);
    controller.abort();
    expect(await rejection(call)).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await until("both have ended", () => ended && seen.error !== undefined && seen.aborted !== undefined);
    expect(seen.error).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
  });

  it("before it was sent cancels its ReadableStream", async () => {
    const { client } = await start();
    let cancelled = false;
    const file = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    const controller = new AbortController();
    const call = client.upload.mutate({ file }, { signal: controller.signal });
    controller.abort();
    expect(await rejection(call)).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    await until("it is cancelled", () => cancelled);
  });
});
