import {
  bytes,
  contract,
  fields,
  mutation,
  query,
  rich,
  type Stream,
  type StreamProgress,
  stream,
  subscription,
} from "@tautline/core";
import type { ItemIterator, Unsubscribable } from "@tautline/core/internals";
import { type AnyTRPCRouter, initTRPC, tracked } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type {
  ContractClientOptions,
  CreateClient,
  inferClientError,
  RouterClient,
  RouterClientOptions,
} from "./client-types.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import { streams } from "./streams.ts";

declare const createClient: CreateClient;
const url = "ws://localhost";

const t = initTRPC.create({
  transformer: rich,
  errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, retryable: true } }),
});
const router = t.router({
  chat: t.router({
    history: t.procedure.input(z.object({ room: z.string().default("") })).query(() => [{ at: new Date() }]),
    send: t.procedure.input(z.string().optional()).mutation(() => undefined),
    messages: t.procedure.subscription(async function* () {
      yield { at: new Date() };
    }),
    log: t.procedure.subscription(async function* () {
      yield tracked("1", "text");
    }),
    // oxlint-disable-next-line typescript/no-deprecated -- observables are served as well
    legacy: t.procedure.subscription(() => observable<number>(() => undefined)),
  }),
});
type AppRouter = typeof router;

const plain = initTRPC.create();
const plainRouter = plain.router({
  now: plain.procedure.query(() => ({ at: new Date(), missing: undefined })),
  times: plain.procedure.subscription(async function* () {
    yield { at: new Date() };
  }),
});
type PlainRouter = typeof plainRouter;

describe("a client of a router", () => {
  const client = createClient<AppRouter>({ url, transformer: rich });

  test("has the inputs and outputs that tRPC infers", () => {
    expectTypeOf(client.chat.history.query).parameter(0).toEqualTypeOf<{ room?: string | undefined }>();
    expectTypeOf(client.chat.history.query({})).resolves.toEqualTypeOf<{ at: Date }[]>();
    expectTypeOf(client.chat.send.mutate).parameter(0).toEqualTypeOf<string | undefined | void>();
    expectTypeOf(client.chat.send.mutate()).resolves.toEqualTypeOf<undefined>();
  });

  test("has the items, with their ids where they are tracked", () => {
    expectTypeOf(client.chat.messages.subscribe()).toEqualTypeOf<ItemIterator<{ at: Date }>>();
    expectTypeOf(client.chat.log.subscribe()).toEqualTypeOf<ItemIterator<{ id: string; data: string }>>();
    expectTypeOf(client.chat.legacy.subscribe()).toEqualTypeOf<ItemIterator<number>>();
  });

  test("hands over errors of the router's shape", () => {
    const subscription = client.chat.messages.subscribe(undefined, {
      onData: (item) => expectTypeOf(item).toEqualTypeOf<{ at: Date }>(),
      onError(error) {
        expectTypeOf(error.data?.retryable).toEqualTypeOf<boolean | undefined>();
        expectTypeOf(error.shape?.data.retryable).toEqualTypeOf<boolean | undefined>();
        expectTypeOf(error).toEqualTypeOf<inferClientError<AppRouter>>();
      },
      onConnectionStateChange: (state) => expectTypeOf(state).toEqualTypeOf<ConnectionState>(),
    });
    expectTypeOf(subscription).toEqualTypeOf<Unsubscribable>();
  });

  test("has types as JSON leaves them where the router has no transformer", () => {
    const plainClient = createClient<PlainRouter>({ url });
    expectTypeOf(plainClient.now.query()).resolves.toEqualTypeOf<{ at: string }>();
    expectTypeOf(plainClient.times.subscribe()).toEqualTypeOf<ItemIterator<{ at: string }>>();
  });

  test("has its connection, also where a procedure has that name", () => {
    const taken = plain.router({ connection: plain.procedure.query(() => 1), other: plain.procedure.query(() => 2) });
    const takenClient = createClient<typeof taken>({ url });
    expectTypeOf(takenClient.connection).toEqualTypeOf<ClientConnection>();
    expectTypeOf(takenClient.other.query()).resolves.toEqualTypeOf<number>();
  });

  test("can be made where the router is a type parameter", () => {
    const create = <Router extends AnyTRPCRouter>(options: RouterClientOptions<Router>): RouterClient<Router> =>
      createClient<Router>(options);
    expectTypeOf(create<PlainRouter>({ url }).now.query()).resolves.toEqualTypeOf<{ at: string }>();
  });

  test("needs the transformer exactly where the router has one", () => {
    // @ts-expect-error the router has one
    createClient<AppRouter>({ url });
    // @ts-expect-error the router has none
    createClient<PlainRouter>({ url, transformer: rich });
    // @ts-expect-error neither a contract nor a router
    createClient({ url });
  });
});

describe("a client of a contract", () => {
  const api = contract({
    chat: {
      history: query({
        input: z.object({ room: z.string().default("") }),
        output: z.array(z.object({ at: z.date() })),
      }),
      send: mutation({ input: z.string().optional() }),
      messages: subscription({ input: z.object({ room: z.string() }), output: z.object({ at: z.date() }) }),
      log: subscription({ output: z.string(), tracked: true }),
    },
    ping: query({ output: z.string().transform((text) => text.length) }),
  });
  const client = createClient({ contract: api, url, transformer: rich });

  test("needs a transformer where the contract holds what JSON would change, and nowhere else", () => {
    // @ts-expect-error the transformer is missing: Dates would arrive as strings
    createClient({ contract: api, url });
    createClient({ contract: contract({ ping: query({ output: z.string() }) }), url });
  });

  test("needs `streams` where the contract holds streams, and nowhere else", () => {
    const files = contract({
      upload: mutation({ input: fields({ name: z.string(), file: stream(bytes()) }) }),
      deep: { download: query({ output: stream(bytes()) }) },
    });
    createClient({ contract: files, url, transformer: rich, streams });
    // @ts-expect-error nothing would carry them
    createClient({ contract: files, url, transformer: rich });
    // @ts-expect-error JSON does not keep them
    createClient({ contract: files, url, streams });
    createClient({ contract: api, url, transformer: rich, streams });
  });

  test("has the contract's streams, and tells how far they have come", () => {
    const files = contract({
      upload: mutation({ input: fields({ name: z.string(), file: stream(bytes()) }), output: z.string() }),
      download: query({ output: fields({ size: z.number(), file: stream(bytes()) }) }),
    });
    const filesClient = createClient({ contract: files, url, transformer: rich, streams });
    expectTypeOf(filesClient.upload.mutate({ name: "a", file: new Blob() })).resolves.toEqualTypeOf<string>();
    expectTypeOf(filesClient.download.query()).resolves.toEqualTypeOf<{
      size: number;
      file: Stream<Uint8Array<ArrayBuffer>>;
    }>();
    filesClient.download.query(undefined, {
      onProgress: (progress) => expectTypeOf(progress).toEqualTypeOf<StreamProgress>(),
    });
    // @ts-expect-error text is no stream of bytes
    filesClient.upload.mutate({ name: "a", file: "text" });
  });

  test("has the contract's inputs and outputs", () => {
    expectTypeOf(client.chat.history.query).parameter(0).toEqualTypeOf<{ room?: string | undefined }>();
    expectTypeOf(client.chat.history.query({})).resolves.toEqualTypeOf<{ at: Date }[]>();
    expectTypeOf(client.chat.send.mutate()).resolves.toEqualTypeOf<void>();
    expectTypeOf(client.ping.query()).resolves.toEqualTypeOf<number>();
  });

  test("has the contract's items, with their ids where the contract says tracked", () => {
    expectTypeOf(client.chat.messages.subscribe({ room: "" })).toEqualTypeOf<ItemIterator<{ at: Date }>>();
    client.chat.log.subscribe(undefined, {
      onData: (item) => expectTypeOf(item.id).toEqualTypeOf<string>(),
      onError: (error) => expectTypeOf(error.data?.code).toEqualTypeOf<string | undefined>(),
    });
  });

  test("takes a signal and a timeout for each call", () => {
    const { signal } = new AbortController();
    client.chat.history.query({}, { signal, timeoutMs: 1000 });
    client.chat.messages.subscribe({ room: "" }, { signal });
    // @ts-expect-error a misspelt option
    client.chat.history.query({}, { timeout: 1000 });
  });

  test("takes another transformer", () => {
    createClient({ contract: api, url, transformer: { serialize: (value) => value, deserialize: (value) => value } });
    const given: ContractClientOptions<typeof api> = { contract: api, url, transformer: rich };
    expectTypeOf(createClient(given)).toEqualTypeOf(client);
  });

  test("takes no transformer for one that is none, or is undefined", () => {
    // @ts-expect-error it cannot read
    createClient({ contract: api, url, transformer: { serialize: (value: unknown) => value } });
    // @ts-expect-error JSON does not keep a Date
    createClient({ contract: api, url, transformer: undefined });
    // @ts-expect-error JSON does not keep a Date
    const given: ContractClientOptions<typeof api> = { contract: api, url };
    expectTypeOf(given).not.toBeAny();
  });

  test("has its connection", () => {
    expectTypeOf(client.connection).toEqualTypeOf<ClientConnection>();
  });

  test("has each procedure's own call alone", () => {
    // @ts-expect-error a mutation
    client.chat.send.query;
    // @ts-expect-error no such procedure
    client.chat.histroy;
  });
});
