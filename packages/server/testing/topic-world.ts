import { FakeClock } from "@tautline/core/testing";
import { z } from "zod";
import { Gap } from "../src/gap.ts";
import { createHub, type Hub } from "../src/hub.ts";
import type { HubOptions, TopicOptions } from "../src/hub-options.ts";
import { MemoryBackend } from "../src/memory-backend.ts";
import { MemoryBroker } from "../src/memory-broker.ts";
import type { ReadReceiver, ReadStart } from "../src/read-plan.ts";
import { CuttableBroker } from "../src/testing/cuttable-broker.ts";
import type { Topic } from "../src/topic.ts";
import type { TopicReader } from "../src/topic-reader.ts";
import type { TopicSubscription } from "../src/topic-subscription.ts";

export const Post: z.ZodObject<{ n: z.ZodNumber; by: z.ZodDefault<z.ZodString> }> = z.object({
  n: z.number(),
  by: z.string().default("ada"),
});

export interface World {
  readonly clock: FakeClock;
  readonly backend: MemoryBackend;
  readonly broker: CuttableBroker;
  readonly hub: Hub;
}

export function createWorld(options: HubOptions = {}): World {
  const clock = new FakeClock();
  const backend = new MemoryBackend({ clock });
  const broker = new CuttableBroker(new MemoryBroker(backend), clock);
  return { clock, backend, broker, hub: createHub({ broker, clock, ...options }) };
}

export function createTopic(
  options: TopicOptions = {},
  hubOptions: HubOptions = {},
): World & { readonly topic: Posts } {
  const world = createWorld(hubOptions);
  return { ...world, topic: world.hub.topic("posts", Post, options) };
}

type Post = z.output<typeof Post>;
export type Posts = Topic<z.input<typeof Post>, Post, { id: string }, { id: string }>;

export async function publish(topic: Posts, key: string, ...numbers: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const n of numbers) ids.push((await topic.publish(key, { n })).id);
  return ids;
}

/** Reads a subscription in the background, and keeps what it gets. */
export class Reader<T> {
  readonly items: T[] = [];
  readonly ids: string[] = [];
  ended: unknown = "not yet";
  readonly #iterator: AsyncIterator<readonly [string, T, symbol], void>;

  constructor(source: AsyncIterable<readonly [string, T, symbol], void>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Takes so many; fewer where there are no more for now. */
  async take(count = 1_000): Promise<T[]> {
    const taken: T[] = [];
    for (let item = await this.#next(); item !== undefined; item = await this.#next()) {
      taken.push(item[1]);
      this.items.push(item[1]);
      this.ids.push(item[0]);
      if (taken.length === count) break;
    }
    return taken;
  }

  #pending: Promise<IteratorResult<readonly [string, T, symbol], void>> | undefined = undefined;

  async #next(): Promise<readonly [string, T, symbol] | undefined> {
    this.#pending ??= this.#iterator.next();
    try {
      const result = await Promise.race([this.#pending, turns().then(() => undefined)]);
      if (result === undefined) return undefined;
      this.#pending = undefined;
      if (result.done !== true) return result.value;
      this.ended = "done";
    } catch (error) {
      this.#pending = undefined;
      this.ended = error;
    }
    return undefined;
  }

  async stop(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/** Takes without promises, as a server does: what it has not taken waits in the feed. */
export class Puller<T> implements ReadReceiver {
  readonly ids: string[] = [];
  ended: unknown = "not yet";
  ready = 0;
  start: ReadStart | undefined = undefined;
  readonly reader: TopicReader;

  readonly #onStarted: ((reader: TopicReader) => void) | undefined;

  /** @param onStarted is called in its middle. */
  constructor(source: TopicSubscription<T, unknown>, lastEventId?: string, onStarted?: (reader: TopicReader) => void) {
    this.#onStarted = onStarted;
    this.reader = source.read(this, lastEventId);
    this.reader.open();
  }

  onStarted(start: ReadStart): void {
    this.start = start;
    this.#onStarted?.(this.reader);
  }

  onReady(): void {
    this.ready++;
  }

  onEnded(error: unknown): void {
    this.ended = error;
  }

  /** Everything that is there: the numbers of posts, and gaps. */
  take(): unknown[] {
    const taken: unknown[] = [];
    for (let next = this.reader.take(); next !== undefined; next = this.reader.take()) {
      if (!(next instanceof Gap)) this.ids.push(next.id);
      taken.push(
        next instanceof Gap ? { from: next.from, to: next.to } : ((next.data as { n?: number }).n ?? next.data),
      );
    }
    return taken;
  }
}

export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const numbers = (items: readonly { n: number }[]): number[] => items.map(({ n }) => n);
