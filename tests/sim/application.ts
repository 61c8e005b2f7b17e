import { contract, mutation, TautlineError } from "@tautline/core";
import type { ClientFactory } from "@tautline/server";
import { initTRPC, TRPCError, tracked } from "@trpc/server";
import { z } from "zod";
import { codeAtServer, type StreamItem } from "./stream-world.ts";
import { topicRouter } from "./topic-router.ts";
import { topicKeys } from "./topic-world.ts";
import { transformer } from "./transformer.ts";
import type { World } from "./world.ts";

/** What clients expose. */
export const clientApi = contract({
  answer: mutation({ input: z.object({ call: z.string(), waitMs: z.number() }), output: z.string() }),
});

export interface Context {
  readonly client: string;
  /** Where its server is: servers after one another are on different ones. */
  readonly node: number;
  readonly world: World;
  /** Calls the client. */
  readonly calls: ClientFactory;
}

const t = initTRPC.context<Context>().create({ transformer });

const Work = z.object({ call: z.string(), waitMs: z.number(), heeds: z.boolean(), fails: z.boolean() });
const ItemsInput = z.object({
  call: z.string(),
  count: z.number(),
  everyMs: z.number(),
  padding: z.number(),
  /** Events to be published before each item, and as many after it. */
  publishes: z.number(),
  key: z.enum(topicKeys),
  lastEventId: z.string().optional(),
});

interface Resolver<Input> {
  readonly ctx: Context;
  readonly input: Input;
  readonly signal: AbortSignal | undefined;
}

/** What a query or mutation does, and tells of itself. */
async function work({
  ctx: { world, client },
  input,
  signal,
}: Resolver<z.output<typeof Work>>): Promise<{ call: string; run: string }> {
  const run = world.enter(input.call, client);
  await world.sleep(input.waitMs, input.heeds ? signal : undefined);
  world.leave(run, input.fails ? "thrown" : "returned");
  if (input.fails) throw new TRPCError({ code: "CONFLICT", message: "as asked" });
  return { call: input.call, run };
}

function workAtOnce({ ctx: { world, client }, input }: Resolver<z.output<typeof Work>>): { call: string; run: string } {
  const run = world.enter(input.call, client);
  world.leave(run, "returned");
  return { call: input.call, run };
}

async function* items({
  ctx: { world, client },
  input,
  signal,
}: Resolver<z.output<typeof ItemsInput>>): AsyncGenerator<Item> {
  const run = world.enter(input.call, client, input.lastEventId);
  let how: "returned" | "stopped" = "stopped";
  try {
    for (let position = Number(input.lastEventId ?? -1) + 1; position < input.count; position++) {
      await world.sleep(input.everyMs, signal);
      if (signal?.aborted === true) return;
      publish(world, input);
      world.emit(run, position, input.padding);
      yield { call: input.call, run, position, padding: "x".repeat(input.padding) };
      world.pass(run, position);
      publish(world, input);
    }
    how = "returned";
  } finally {
    world.leave(run, how);
  }
}

function publish({ topics }: World, { publishes, key, padding }: z.output<typeof ItemsInput>): void {
  if (topics.quiet) return;
  for (let left = publishes; left > 0; left--) topics.publish(key, padding);
}

async function* events({
  ctx: { world, client },
  input,
  signal,
}: Resolver<z.output<typeof ItemsInput>>): AsyncGenerator<Item> {
  const run = world.enter(input.call, client, input.lastEventId);
  let position = Number(input.lastEventId ?? -1) + 1;
  let how: "returned" | "stopped" = "stopped";
  try {
    for (; await world.event(position, signal); position++) {
      world.emit(run, position, 0);
      yield { call: input.call, run, position, padding: "" };
    }
    how = "returned";
  } finally {
    world.leave(run, how);
  }
}

const Pace = z.object({ count: z.number(), everyMs: z.number(), padding: z.number(), fails: z.boolean() });
const Reading = z.object({ call: z.string(), readMs: z.number(), stopAt: z.number() });
const Items = z.custom<AsyncIterable<StreamItem>>((value) => typeof value === "object" && value !== null);

/** Reads what goes up, to its end or to where it has enough. */
async function upload({
  ctx: { world, client },
  input,
}: Resolver<z.output<typeof Reading> & { items: AsyncIterable<StreamItem> }>) {
  const run = world.enter(input.call, client);
  const ended = await world.streams.take(`${input.call} up`, input.items, input, codeAtServer);
  world.leave(run, ended === "ok" || ended === "cancelled" ? "returned" : "thrown");
  if (ended !== "ok" && ended !== "cancelled") throw new TRPCError({ code: "CONFLICT", message: ended });
  return { call: input.call, run };
}

function download({ ctx: { world, client }, input }: Resolver<{ call: string; pace: z.output<typeof Pace> }>) {
  const run = world.enter(input.call, client);
  world.leave(run, "returned");
  return { call: input.call, run, items: give(world, `${run} down`, client, input.pace) };
}

/** What goes up is what goes down. */
function duplex({ ctx: { world, client }, input }: Resolver<{ call: string; items: AsyncIterable<StreamItem> }>) {
  const run = world.enter(input.call, client);
  world.leave(run, "returned");
  return { call: input.call, run, items: echo(world, [`${input.call} up`, `${run} down`], client, input.items) };
}

async function* give(world: World, stream: string, client: string, pace: z.output<typeof Pace>) {
  world.streams.open(stream, client);
  yield* world.streams.give(stream, client, pace);
}

async function* echo(
  world: World,
  [up, stream]: readonly [up: string, down: string],
  client: string,
  items: AsyncIterable<StreamItem>,
) {
  world.streams.open(stream, client);
  world.history.add("entered", { call: stream, client, run: stream });
  let how: "returned" | "thrown" | "stopped" = "stopped";
  let upEnded: string | undefined;
  try {
    for await (const item of items) {
      world.streams.pass(up, stream, item);
      upEnded = "cancelled";
      yield { ...item, stream };
    }
    how = "returned";
    upEnded = "ok";
  } catch (thrown) {
    how = "thrown";
    if (upEnded !== undefined) upEnded = codeAtServer(thrown);
    throw thrown;
  } finally {
    // Of two runs of one call only one gets what goes up.
    if (upEnded !== undefined) world.streams.settle(up, upEnded);
    world.history.add("left", { run: stream, how });
  }
}

/** Asks its client. */
async function ask({ ctx: { world, client, calls }, input, signal }: Resolver<z.output<typeof Work>>) {
  const run = world.enter(input.call, client);
  const asked = `${run} asks`;
  world.history.add("called", { call: asked, client, kind: "mutation" });
  try {
    const options = input.heeds && signal !== undefined ? { signal } : {};
    const answer = await calls(clientApi).answer.mutate({ call: asked, waitMs: input.waitMs }, options);
    world.history.add("settled", { call: asked, outcome: "ok", run: answer });
    world.leave(run, "returned");
    return { call: input.call, run };
  } catch (thrown) {
    const { code } = TautlineError.from(thrown);
    const givenUp = world.ranAgain(input.call) || (input.heeds && signal?.aborted === true);
    world.history.add("settled", { call: asked, outcome: givenUp ? "cancelled" : code });
    world.leave(run, "thrown");
    throw new TRPCError({ code: "CONFLICT", message: code });
  }
}

/** What a subscription gives. */
export interface Item {
  readonly call: string;
  readonly run: string;
  readonly position: number;
  readonly padding: string;
}

async function* withIds(source: AsyncIterable<Item>) {
  for await (const item of source) yield tracked(`${item.position}`, item);
}

/** One router for all schedules: everything that is a schedule's own comes with the context. */
export const router = t.router({
  query: t.procedure
    .input(Work)
    .query((options) => (options.input.waitMs === 0 && !options.input.fails ? workAtOnce(options) : work(options))),
  mutation: t.procedure
    .input(Work)
    .mutation((options) => (options.input.waitMs === 0 && !options.input.fails ? workAtOnce(options) : work(options))),
  tracked: t.procedure.input(ItemsInput).subscription((options) => withIds(items(options))),
  untracked: t.procedure.input(ItemsInput).subscription((options) => items(options)),
  upload: t.procedure.input(Reading.extend({ items: Items })).mutation(upload),
  download: t.procedure.input(z.object({ call: z.string(), pace: Pace })).query(download),
  duplex: t.procedure.input(z.object({ call: z.string(), items: Items })).query(duplex),
  ask: t.procedure.input(Work).query(ask),
  topics: topicRouter,
  events: t.procedure.input(ItemsInput).subscription((options) => withIds(events(options))),
});

export type SimRouter = typeof router;
