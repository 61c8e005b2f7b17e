import { away, StreamLost } from "./broker-error.ts";
import { LeaseOrder } from "./lease-order.ts";
import { LogReader } from "./log-reader.ts";
import type { NatsLink } from "./nats-link.ts";
import { NatsStream, type StreamSpec } from "./nats-stream.ts";
import type { Publisher } from "./publisher.ts";
import { randomId } from "./random-id.ts";
import { fromToken, toToken } from "./subject.ts";

interface Member {
  readonly member: string;
  readonly text: string;
  readonly storedAt: number;
}

const nanosPerMs = 1_000_000;
/** The least that JetStream keeps a message, in ms. */
const minTtlMs = 100;
/** Lives are rounded up to steps, four of them to each doubling, so that there are not many streams. */
const stepsPerDoubling = 4;

/**
 * Members of groups, as messages that JetStream lets go of when their time is over: in a stream for each length of life, with a subject
 * for each member.
 */
export class LeaseTable {
  readonly #link: NatsLink;
  readonly #publisher: Publisher;
  readonly #streams = new Map<number, NatsStream>();
  readonly #order = new LeaseOrder();

  constructor(link: NatsLink, publisher: Publisher) {
    this.#link = link;
    this.#publisher = publisher;
  }

  lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    return this.#order.lease(group, () => this.#lease(group, members, ttlMs));
  }

  release(group: string, members: Iterable<string>): Promise<void> {
    return this.#order.release(group, () => this.#release(group, members));
  }

  /** Resolves when what was leased and released by now has been, or has failed. */
  get done(): Promise<unknown> {
    return this.#order.done;
  }

  async members(group: string): Promise<ReadonlyMap<string, string>> {
    const names = await this.#names();
    const found = await Promise.all(names.map((name) => this.#read(name, `${this.#groupIn(name, group)}.*`)));
    // Who was leased for another time before is in two streams.
    const inOrder = found.flat().toSorted((one, other) => one.storedAt - other.storedAt);
    return new Map(inOrder.map(({ member, text }) => [member, text]));
  }

  async #lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    this.#link.require();
    const roundedMs = roundUp(ttlMs);
    const stream = this.#stream(roundedMs);
    const subject = `${this.#start}.${roundedMs}.${toToken(group)}`;
    const publishes = Array.from(members, async ([member, text]) => {
      const outgoing = { subject: `${subject}.${toToken(member)}`, payload: Buffer.from(text), id: randomId() };
      const answer = await this.#publisher.publish(stream, outgoing, 0);
      if (answer.type === "refused") throw away(answer.reason);
    });
    // Whether it was written or not, it will be again.
    await Promise.all(publishes).catch((error: unknown) => {
      this.#link.check();
      throw away(error);
    });
  }

  async #release(group: string, members: Iterable<string>): Promise<void> {
    const names = await this.#names();
    for (const member of members)
      await Promise.all(names.map((name) => this.#purge(name, `${this.#groupIn(name, group)}.${toToken(member)}`)));
  }

  get #start(): string {
    return `${this.#link.settings.prefix}-lease`;
  }

  /** @param name of a stream, which says how long its members live. */
  #groupIn(name: string, group: string): string {
    return `${this.#start}.${name.split("-").at(-2)}.${toToken(group)}`;
  }

  #stream(ttlMs: number): NatsStream {
    const stream = this.#streams.get(ttlMs) ?? this.#createStream(ttlMs);
    this.#streams.set(ttlMs, stream);
    return stream;
  }

  #createStream(ttlMs: number): NatsStream {
    const config: StreamSpec["config"] = { max_age: ttlMs * nanosPerMs, max_msgs_per_subject: 1, storage: "memory" };
    return new NatsStream(this.#link, { label: `lease-${ttlMs}`, subject: `${this.#start}.${ttlMs}.>`, config });
  }

  async #purge(name: string, filter: string): Promise<void> {
    await this.#link
      .ask(name, ({ manager }) => manager.streams.purge(name, { filter }))
      .catch((error: unknown) => {
        if (!(error instanceof StreamLost)) throw error;
      });
  }

  async #read(name: string, filter: string): Promise<readonly Member[]> {
    try {
      return await this.#readAll(await LogReader.open(this.#link, name, { filter, from: 1 }));
    } catch (error) {
      if (!(error instanceof StreamLost)) throw error;
      return [];
    }
  }

  async #readAll(reader: LogReader): Promise<readonly Member[]> {
    const members: Member[] = [];
    try {
      for (let next = await reader.next(); next !== undefined; next = await reader.next()) {
        const member = fromToken(next.subject.slice(next.subject.lastIndexOf(".") + 1));
        members.push({ member, text: next.message.string(), storedAt: next.storedAt });
      }
    } finally {
      reader.close();
    }
    return members;
  }

  async #names(): Promise<readonly string[]> {
    const { manager } = this.#link.require();
    const names: string[] = [];
    try {
      for await (const name of manager.streams.names(`${this.#start}.>`)) names.push(name);
    } catch (error) {
      this.#link.check();
      throw away(error);
    }
    return names;
  }
}

function roundUp(ttlMs: number): number {
  const step = 2 ** (Math.floor(Math.log2(Math.max(ttlMs, minTtlMs))) - Math.log2(stepsPerDoubling));
  return Math.ceil(Math.ceil(Math.max(ttlMs, minTtlMs) / step) * step);
}
