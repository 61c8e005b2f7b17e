import { createClient, streams } from "@tautline/client";
import { rich } from "@tautline/core";
import { serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { afterTest, cleanUpAfterEach } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";

cleanUpAfterEach();

/** Cannot be read when its code is 13. */
class Badge {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

const transformer = rich.extend({
  name: "badge",
  is: (value) => value instanceof Badge,
  encode: ({ code }) => code,
  decode: (code) => {
    if (code === 13) throw new Error("no such badge");
    return new Badge(Number(code));
  },
});

const codes = [1, 13, 2];

async function* badges() {
  for (const code of codes) yield new Badge(code);
}

function give(controller: ReadableStreamDefaultController<Badge>): void {
  for (const code of codes) controller.enqueue(new Badge(code));
  controller.close();
}

async function start() {
  const t = initTRPC.create({ transformer });
  const read: number[] = [];
  const router = t.router({
    down: t.procedure.query(() => new ReadableStream<Badge>({ start: give }) as unknown as AsyncIterable<Badge>),
    up: t.procedure
      .input((input) => input as AsyncIterable<Badge>)
      .mutation(async ({ input }) => {
        for await (const { code } of input) read.push(code);
        return read.length;
      }),
    ping: t.procedure.query(() => "pong"),
  });
  const server = await serve({ router, host: "127.0.0.1", onError: () => {} });
  afterTest(() => server.close({ drainMs: 0 }));
  const client = closing(createClient<typeof router>({ url: server.url, transformer, streams }));
  return { client, read };
}

describe("an item of a stream that cannot be read", () => {
  it("ends a download, and nothing else", async () => {
    const { client } = await start();
    const items = await client.down.query();
    const got: number[] = [];
    const states: string[] = [];
    client.connection.subscribe(({ status }) => states.push(status));
    const failed = await rejection(
      (async () => {
        for await (const { code } of items) got.push(code);
      })(),
    );
    expect(failed).toMatchObject({ code: "PARSE_ERROR" });
    expect(await client.ping.query()).toBe("pong");
    expect([got, states]).toEqual([[1], []]);
  });

  it("ends an upload, and nothing else", async () => {
    const { client, read } = await start();
    const states: string[] = [];
    await client.ping.query();
    client.connection.subscribe(({ status }) => states.push(status));
    expect(await rejection(client.up.mutate(badges()))).toMatchObject({ code: "PARSE_ERROR" });
    expect(await client.ping.query()).toBe("pong");
    expect([read, states]).toEqual([[1], []]);
  });
});
