import { leaseScript, membersScript, releaseScript } from "./group-scripts.ts";
import { groupNames } from "./key-names.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { unavailable } from "./redis-error.ts";

/** So many members go with one script. */
const maxBatch = 1_000;

/** Members who are there until their time is over, by the server's clock. */
export class RedisGroup {
  readonly #commands: RedisConnection;
  readonly #names: readonly string[];

  constructor(commands: RedisConnection, prefix: string, group: string) {
    this.#commands = commands;
    this.#names = groupNames(prefix, group);
  }

  async lease(members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    const ttl = String(Math.ceil(ttlMs));
    // All leave at once: what is asked next of the same members is to come after them.
    await Promise.all(Array.from(batches(members), (batch) => this.#run(leaseScript, [ttl, ...batch.flat()])));
  }

  async release(members: Iterable<string>): Promise<void> {
    await Promise.all(Array.from(batches(members), (batch) => this.#run(releaseScript, batch)));
  }

  async members(): Promise<ReadonlyMap<string, string>> {
    const flat = (await this.#run(membersScript, [])) as string[];
    const members = new Map<string, string>();
    for (let index = 0; index < flat.length; index += 2) members.set(flat[index] ?? "", flat[index + 1] ?? "");
    return members;
  }

  /** All of these may be done again, so it makes no difference whether it was done. */
  async #run(script: typeof leaseScript, args: readonly string[]): Promise<unknown> {
    try {
      return await this.#commands.evaluate(script, this.#names, args);
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < maxBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
