/** A topic, a generator and an observable are the same to whoever subscribes, over Tautline and over tRPC's own adapters. */
import { createClient } from "@tautline/client";
import { tautlineLink } from "@tautline/client/link";
import { rich, TautlineError } from "@tautline/core";
import { createHub, type Hub } from "@tautline/server";
import { createTRPCClient, createWSClient, TRPCClientError, type TRPCLink, wsLink } from "@trpc/client";
import { initTRPC, TRPCError, tracked } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { observable } from "@trpc/server/observable";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { afterTest, cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing } from "./fixture/client.ts";
import { startServer } from "./fixture/server.ts";

cleanUpAfterEach();

const Tick = z.object({ n: z.number(), at: z.date() });
type Tick = z.infer<typeof Tick>;

const t = initTRPC.create({ transformer: rich });
const Input = z.object({ key: z.string(), lastEventId: z.string().nullish() });

/** One topic, three ways to write a subscription of it. */
function createRouter(hub: Hub) {
  const ticks = hub.topic("ticks", Tick);
  const refuse = (tick: Tick): Tick => {
    if (tick.n === 13) throw new TRPCError({ code: "FORBIDDEN", message: "no thirteen" });
    return tick;
  };
  const router = t.router({
    topic: t.procedure
      .input(Input)
      .subscription(({ input }) => ticks.subscribe(input.key, { after: input.lastEventId }).map(refuse)),
    generator: t.procedure.input(Input).subscription(async function* ({ input, signal }) {
      const { key, lastEventId: after } = input;
      for await (const [id, tick] of ticks.subscribe(key, { after, signal })) yield tracked(id, refuse(tick));
    }),
    // oxlint-disable-next-line typescript/no-deprecated -- routers have them
    observable: t.procedure.input(Input).subscription(({ input }) =>
      observable<readonly [string, Tick, symbol]>((emit) => {
        const controller = new AbortController();
        const { key, lastEventId: after } = input;
        const run = async (): Promise<void> => {
          for await (const [id, tick] of ticks.subscribe(key, { after, signal: controller.signal }))
            emit.next(tracked(id, refuse(tick)));
        };
        run().catch((error: unknown) =>
          emit.error(error instanceof TRPCError ? error : new TRPCError({ code: "CONFLICT" })),
        );
        return () => controller.abort();
      }),
    ),
  });
  return { router, ticks };
}

type Router = ReturnType<typeof createRouter>["router"];
const sources = ["topic", "generator", "observable"] as const;
type Source = (typeof sources)[number];

/** What a subscriber has seen. */
interface Experience {
  started: number;
  readonly items: unknown[];
  error: string | undefined;
}

interface Subscriber {
  readonly seen: Experience;
  stop(): void;
}

/** A way to subscribe. */
type Subscribe = (source: Source, input: z.input<typeof Input>) => Subscriber;

interface Procedure {
  subscribe(input: unknown, callbacks: object): { unsubscribe(): void };
}

function subscriberOf(client: Record<Source, Procedure>, codeOf: (error: unknown) => string): Subscribe {
  return (source, input) => {
    const seen: Experience = { started: 0, items: [], error: undefined };
    const subscribed = client[source].subscribe(input, {
      onStarted: () => seen.started++,
      onData: (item: unknown) => seen.items.push(item),
      onError: (error: unknown) => {
        seen.error = codeOf(error);
      },
    });
    return { seen, stop: () => subscribed.unsubscribe() };
  };
}

function trpcCodeOf(error: unknown): string {
  return error instanceof TRPCClientError ? String((error as TRPCClientError<Router>).data?.code) : String(error);
}

const ways: Record<string, (router: Router) => Promise<Subscribe>> = {
  "Tautline's client": async (router) => {
    const { url } = await startServer({ router, onError: () => {} });
    return subscriberOf(
      closing(createClient<Router>({ url, transformer: rich })),
      (error) => TautlineError.from(error).code,
    );
  },
  "tRPC's client with tautlineLink": async (router) => {
    const { url } = await startServer({ router, onError: () => {} });
    const link = closing(tautlineLink<Router>({ url, transformer: rich }));
    return subscriberOf(createTRPCClient<Router>({ links: [link] }), trpcCodeOf);
  },
  "tRPC's client and server with wsLink": async (router) => {
    const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((resolve) => wss.once("listening", resolve));
    applyWSSHandler({ wss, router });
    afterTest(() => new Promise<void>((resolve) => wss.close(() => resolve())));
    const { port } = wss.address() as { port: number };
    // ws is close enough to the class of browsers that tRPC asks for.
    const client = createWSClient({ url: `ws://127.0.0.1:${port}`, WebSocket: WebSocket as never });
    afterTest(() => client.close());
    const link: TRPCLink<Router> = wsLink<Router>({ client, transformer: rich });
    return subscriberOf(createTRPCClient<Router>({ links: [link] }), trpcCodeOf);
  },
  "tRPC's HTTP server": async (router) => {
    const server = createHTTPServer({ router });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    afterTest(() => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    });
    const { port } = server.address() as { port: number };
    return (source, input) => readServerSentEvents(`http://127.0.0.1:${port}/${source}`, input);
  },
};

/** What a browser's EventSource would get: tRPC's client needs one, and Node 20 has none. */
function readServerSentEvents(path: string, input: z.input<typeof Input>): Subscriber {
  const seen: Experience = { started: 0, items: [], error: undefined };
  const controller = new AbortController();
  const url = `${path}?input=${encodeURIComponent(JSON.stringify(rich.serialize(input)))}`;
  const read = async (): Promise<void> => {
    const response = await fetch(url, { signal: controller.signal, headers: { accept: "text/event-stream" } });
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) {
      text += decoder.decode(chunk.value, { stream: true });
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) onServerSentEvent(event, seen);
    }
  };
  // Aborting rejects.
  read().catch(() => {});
  return { seen, stop: () => controller.abort() };
}

function onServerSentEvent(event: string, seen: Experience): void {
  const fields = new Map(event.split("\n").map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const data: unknown = JSON.parse(fields.get("data") ?? "null");
  const id = fields.get("id");
  const type = fields.get("event");
  if (type === "connected") seen.started++;
  else if (type === "serialized-error") seen.error = (rich.deserialize(data) as { data: { code: string } }).data.code;
  else if (type === undefined && id !== undefined) seen.items.push({ id, data: rich.deserialize(data) });
}

describe.each(Object.entries(ways))("over %s", (_, connect) => {
  it("a topic, a generator and an observable give the same", async () => {
    const hub = createHub();
    afterTest(() => hub.close());
    const { router, ticks } = createRouter(hub);
    const subscribe = await connect(router);
    const before = await ticks.publish("a", { n: 1, at: new Date(1) });
    const missed = [before, await ticks.publish("a", { n: 2, at: new Date(2) })];

    const live = sources.map((source) => subscribe(source, { key: "a" }));
    const resumed = sources.map((source) => subscribe(source, { key: "a", lastEventId: before.id }));
    await until("all have started", () => [...live, ...resumed].every(({ seen }) => seen.started === 1));
    // tRPC says that a subscription has started before its handler runs; those that were begun earlier run by then too.
    await until("resumed ones have caught up", () => resumed.every(({ seen }) => seen.items.length === 1));
    const events = [
      await ticks.publish("a", { n: 3, at: new Date(3) }),
      await ticks.publish("a", { n: 4, at: new Date(4) }),
    ];
    await until("all have the events", () => live.every(({ seen }) => seen.items.length === 2));
    await until("resumed ones have them too", () => resumed.every(({ seen }) => seen.items.length === 3));
    const items = [...missed, ...events].map(({ id, data }) => ({ id, data }));
    for (const { seen } of live) expect(seen).toEqual({ started: 1, items: items.slice(2), error: undefined });
    for (const { seen } of resumed) expect(seen).toEqual({ started: 1, items: items.slice(1), error: undefined });

    await ticks.publish("a", { n: 13, at: new Date(13) });
    await until("all have ended", () => [...live, ...resumed].every(({ seen }) => seen.error === "FORBIDDEN"));
    for (const { seen } of live) expect(seen.items).toEqual(items.slice(2));

    const last = sources.map((source) => subscribe(source, { key: "b" }));
    await until("they have started", () => last.every(({ seen }) => seen.started === 1));
    for (const subscriber of last) subscriber.stop();
  });
});
