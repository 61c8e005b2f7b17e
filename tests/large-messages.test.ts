import { type ConnectionOptions, createClient, streams } from "@tautline/client";
import { rich } from "@tautline/core";
import type { ServeOptions } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn, until } from "./fixture/cleanup.ts";
import { closing, rejection } from "./fixture/client.ts";
import { openGreeted } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { startTcpProxy } from "./fixture/tcp-proxy.ts";

cleanUpAfterEach();

const t = initTRPC.create({ transformer: rich });
const megabyte = 1024 * 1024;
let started: string[] = [];
const router = t.router({
  ping: t.procedure.query(() => "pong"),
  text: t.procedure.input(z.number()).query(({ input }) => "äx".repeat(input / 2)),
  length: t.procedure.input(z.string()).mutation(({ input }) => {
    started.push("length");
    return input.length;
  }),
  echo: t.procedure.input(z.instanceof(Uint8Array)).query(({ input }) => input),
  pages: t.procedure.subscription(async function* () {
    for (const page of ["a", "b", "c"]) yield page.repeat(megabyte);
  }),
});

type Options = { server?: Partial<ServeOptions<typeof router>>; client?: Partial<ConnectionOptions> };

async function start({ server: serverOptions, client: clientOptions }: Options = {}) {
  started = [];
  const maxMessageBytes = 64 * megabyte;
  const server = await startServer<typeof router>({ router, maxMessageBytes, ...serverOptions });
  const proxy = await startTcpProxy(server.url);
  const options = { transformer: rich, streams, maxMessageBytes, backoff: { baseMs: 1 }, ...clientOptions };
  const client = closing(createClient<typeof router>({ url: proxy.url, ...options }));
  return { server, proxy, client };
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 2_654_435_761) >>> 13;
  return bytes;
}

describe("a large message", () => {
  it("comes down whole, as text", async () => {
    const { client } = await start();
    expect(await client.text.query(10 * megabyte)).toBe("äx".repeat(5 * megabyte));
  });

  it("goes up whole, as text", async () => {
    const { client } = await start();
    expect(await client.length.mutate("\u0000x€".repeat(3 * megabyte))).toBe(9 * megabyte);
  });

  it("goes both ways as bytes", async () => {
    const { client } = await start();
    const bytes = randomBytes(20 * megabyte);
    const echoed = await client.echo.query(bytes);
    expect(Buffer.compare(echoed, bytes)).toBe(0);
  });

  it("may be an item of a subscription; the order stays", async () => {
    const { client } = await start();
    const pages: string[] = [];
    for await (const page of client.pages.subscribe()) pages.push(`${page[0]}${page.length}`);
    expect(pages).toEqual(["a", "b", "c"].map((page) => `${page}${megabyte}`));
  });

  it("is overtaken by small ones, in both directions", async () => {
    const { client } = await start();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const large = client.echo.query(randomBytes(20 * megabyte)).then(note("large"));
    const small = client.ping.query().then(note("small"));
    await small;
    for (let round = 0; round < 20; round++) await client.ping.query();
    order.push("20 more");
    await large;
    expect(order).toEqual(["small", "20 more", "large"]);
  });

  it("comes through connections that break", async () => {
    const { client, proxy } = await start();
    const bytes = randomBytes(8 * megabyte);
    const echoed = client.echo.query(bytes);
    for (let cuts = 0; cuts < 5; cuts++) {
      const passed = (): number => proxy.connections.reduce((sum, { passed }) => sum + passed.up + passed.down, 0);
      const before = passed();
      await until("more has passed", () => passed() > before + 2 * megabyte);
      proxy.cut("reset");
    }
    expect(Buffer.compare(await echoed, bytes)).toBe(0);
  });

  it("that is aborted on its way is not started, and what follows is answered", async () => {
    const { client, proxy } = await start();
    const controller = new AbortController();
    await client.ping.query();
    const call = rejection(client.length.mutate("x".repeat(20 * megabyte), { signal: controller.signal }));
    await until("some has gone", () => (proxy.connections[0]?.passed.up ?? 0) > megabyte);
    controller.abort();
    expect(await call).toMatchObject({ code: "CLIENT_CLOSED_REQUEST" });
    expect(await client.ping.query()).toBe("pong");
    expect(started).toEqual([]);
    expect(proxy.connections[0]?.passed.up).toBeLessThan(10 * megabyte);
  });
});

describe("a message over the limit", () => {
  it("is not sent by the client", async () => {
    const { client } = await start({ client: { maxMessageBytes: megabyte } });
    expect(await rejection(client.length.mutate("x".repeat(2 * megabyte)))).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
    });
    expect(await client.ping.query()).toBe("pong");
  });

  it("is not taken by the server: the call fails, and the rest of it stays where it is", async () => {
    const { client, proxy } = await start({ server: { maxMessageBytes: megabyte } });
    const refused = await rejection(client.length.mutate("x".repeat(30 * megabyte)));
    expect(refused).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await client.ping.query()).toBe("pong");
    expect(proxy.connections[0]?.passed.up).toBeLessThan(5 * megabyte);
    expect(proxy.connections).toHaveLength(1);
  });

  it("is not sent by the server: the call fails", async () => {
    const { client } = await start({ server: { maxMessageBytes: megabyte } });
    expect(await rejection(client.text.query(2 * megabyte))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  it("is one over a frame's where the client takes no parts", async () => {
    const { client } = await start({ client: { streams: undefined } as never });
    expect((await client.text.query(600_000)).length).toBe(600_000);
    expect(await rejection(client.text.query(2 * megabyte))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });
});

describe("parts that do not fit", () => {
  const head = [18, 1, 0];
  it.each<[string, unknown[][]]>([
    [
      "of another length than before",
      [
        [...head, 10, "[10,"],
        [...head, 11, "1"],
      ],
    ],
    ["longer than they said", [[...head, 3, "[10,"]]],
    ["empty", [[...head, 3, ""]]],
    ["no JSON", [[...head, 4, "[10,"]]],
    ["another call", [[...head, 13, '[10,2,"q",{}]']]],
    ["another kind of message", [[...head, 6, "[13,1]"]]],
    ["a message of the session's", [[...head, 5, "[5,1]"]]],
    ["two messages", [[...head, 20, '[10,1,"q",{}],[13,1]']]],
    ["parts", [[...head, 20, '[18,1,0,2,"[1"],    ']]],
    ["of a stream of no call", [[18, 5, 1, 4, "[14,"]]],
    [
      "of a call that was",
      [
        [10, 1, "ping", {}],
        [...head, 4, "[10,"],
      ],
    ],
  ])("%s: the connection is closed with 4400", async (_what, messages) => {
    const { server } = await start();
    const raw = await openGreeted(server.url);
    for (const message of messages) raw.send(message);
    expect(await raw.closed).toMatchObject({ code: 4400 });
  });

  it("of a call that is done: they were on their way, and take nobody's place", async () => {
    const { server } = await start();
    const raw = await openGreeted(server.url);
    for (let id = 1; id <= 20; id++) {
      raw.send([10, id, "ping", {}]);
      await raw.message(20, id);
      raw.send([18, id, 1, 100_000, "[14,"]);
    }
    raw.send([18, 21, 0, 17, '[10,21,"pi']);
    raw.send([18, 21, 0, 17, 'ng",{}]']);
    expect(await raw.message(20, 21)).toEqual([20, 21, "pong"]);
  });

  it("of more large messages than are taken at a time: those are refused", async () => {
    const { server } = await start();
    const raw = await openGreeted(server.url);
    for (let id = 1; id <= 20; id++) raw.send([18, id, 0, 100_000, "[10,"]);
    for (let id = 17; id <= 20; id++)
      expect(await raw.message(21, id)).toMatchObject([21, id, { data: { code: "TOO_MANY_REQUESTS" } }]);
    raw.send([10, 30, "ping", {}]);
    expect(await raw.message(20, 30)).toEqual([20, 30, "pong"]);
    await turn();
  });
});
