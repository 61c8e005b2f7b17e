import type { FakeClock, History } from "@tautline/core/testing";
import { initTRPC, TRPCError, tracked } from "@trpc/server";
import { z } from "zod";

export interface Context {
  readonly client: string;
  readonly world: World;
}

/** What handlers share in one schedule: time, a log of events, and the history that they write. */
export class World {
  readonly history: History;
  readonly clock: FakeClock;
  /** How much text a run's items may be ahead of their reader. */
  readonly mostAhead: number;
  /** Items that consumers got. */
  received = 0;
  /** About the text of all answers and items, as far as they are sent unasked. */
  emittedLength = 0;
  #runs = 0;
  #events = 0;
  #over = false;
  readonly #running = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  readonly #ahead = new Map<string, number>();

  constructor(history: History, clock: FakeClock, mostAhead: number) {
    this.history = history;
    this.clock = clock;
    this.mostAhead = mostAhead;
  }

  /** Readers of the log that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  enter(call: string, client: string, lastEventId?: string): string {
    const run = `run ${++this.#runs}`;
    const after = lastEventId === undefined ? {} : { after: Number(lastEventId) };
    this.history.add("entered", { call, client, run, ...after });
    this.emittedLength += 200;
    this.#running.set(run, call);
    return run;
  }

  leave(run: string, how: "returned" | "thrown" | "stopped"): void {
    this.#running.delete(run);
    this.history.add("left", { run, how });
  }

  /** Handlers that run for nobody: their call has settled, or another runs for it as well. */
  countIdle(isOpen: (call: string) => boolean): number {
    const calls = [...this.#running.values()];
    return calls.filter((call, index) => !isOpen(call) || calls.indexOf(call) < index).length;
  }

  emit(run: string, position: number, length: number): void {
    this.history.add("emitted", { run, position, length });
    this.emittedLength += length + 100;
    const ahead = (this.#ahead.get(run) ?? 0) + length;
    this.#ahead.set(run, ahead);
    if (ahead > this.mostAhead)
      this.history.add("measured", { what: `ahead of ${run}'s reader`, amount: ahead, most: this.mostAhead + length });
  }

  receive(call: string, run: string, position: number, length: number): void {
    this.history.add("received", { call, run, position });
    this.received++;
    this.#ahead.set(run, (this.#ahead.get(run) ?? 0) - length);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms === 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.clock.clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = this.clock.setTimeout(wake, ms);
      signal?.addEventListener("abort", wake);
    });
  }

  append(count: number): void {
    this.#events += count;
    this.#wake();
  }

  /** The log has no more events. */
  finish(): void {
    this.#over = true;
    this.#wake();
  }

  /** Whether there is an event at this position, at last; false where the log is over, or the reader has gone. */
  async event(position: number, signal: AbortSignal | undefined): Promise<boolean> {
    while (position >= this.#events && !this.#over && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal?.addEventListener("abort", wake);
      });
    }
    return position < this.#events && signal?.aborted !== true;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

const t = initTRPC.context<Context>().create();

const Work = z.object({ call: z.string(), waitMs: z.number(), heeds: z.boolean(), fails: z.boolean() });
const Items = z.object({
  call: z.string(),
  count: z.number(),
  everyMs: z.number(),
  padding: z.number(),
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
}: Resolver<z.output<typeof Items>>): AsyncGenerator<Item> {
  const run = world.enter(input.call, client, input.lastEventId);
  let how: "returned" | "stopped" = "stopped";
  try {
    for (let position = Number(input.lastEventId ?? -1) + 1; position < input.count; position++) {
      await world.sleep(input.everyMs, signal);
      if (signal?.aborted === true) return;
      world.emit(run, position, input.padding);
      yield { call: input.call, run, position, padding: "x".repeat(input.padding) };
    }
    how = "returned";
  } finally {
    world.leave(run, how);
  }
}

async function* events({
  ctx: { world, client },
  input,
  signal,
}: Resolver<z.output<typeof Items>>): AsyncGenerator<Item> {
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
  tracked: t.procedure.input(Items).subscription((options) => withIds(items(options))),
  untracked: t.procedure.input(Items).subscription((options) => items(options)),
  events: t.procedure.input(Items).subscription((options) => withIds(events(options))),
});

export type SimRouter = typeof router;
