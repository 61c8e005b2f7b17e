import { type Schema, TautlineError, validate } from "@tautline/core";
import type { TrackedEnvelope } from "@trpc/server";
import type { BrokerTopic, Position } from "./broker.ts";
import type { EventCodec } from "./event-codec.ts";
import { formatPosition, PositionList, parsePosition } from "./event-id.ts";
import {
  defaultHistoryLimit,
  type HistoryOptions,
  maxHistoryBytes,
  maxHistoryLimit,
  maxKeyLength,
  maxKeys,
  type PublishEventOptions,
  type SubscribeEventsOptions,
} from "./hub-options.ts";
import type { Presence, PresenceGroups, PresenceOptions } from "./presence.ts";
import { ReadPlan, type ReadTopic, type Stage } from "./read-plan.ts";
import { isThenable } from "./thenable.ts";
import { TopicSubscription } from "./topic-subscription.ts";

/** An event of a topic. */
export interface TopicEvent<Data> {
  /** A subscription can continue after it. */
  readonly id: string;
  readonly key: string;
  readonly data: Data;
}

/** What a topic is made of. */
export interface TopicParts {
  readonly schema: Schema;
  readonly log: BrokerTopic;
  readonly codec: EventCodec;
  readonly reading: ReadTopic;
  readonly presence: PresenceGroups;
  readonly publishWaitMs: number;
}

/** An item that a snapshot gives: where it says what it is of, what it says. */
type SnapshotItem<Given> = Given extends unknown ? Untracked<Awaited<Given>> : never;
type Untracked<Item> = Item extends TrackedEnvelope<infer Data> ? Data : Item;

/**
 * Events by key, in a log for each key.
 *
 * A key is a string of 512 UTF-16 units at most, without lone surrogates; any other is a TautlineError `BAD_REQUEST`.
 */
export class Topic<Input, Data, MemberInput, Member> {
  readonly #parts: TopicParts;

  constructor(parts: TopicParts) {
    this.#parts = parts;
  }

  /**
   * Puts an event at the end of a key's log; resolves when it is there. In memory, with a schema that is synchronous, it is there, and
   * with all subscribers, when this returns.
   *
   * @throws SchemaError where it does not fit the topic's schema.
   * @throws TautlineError `PAYLOAD_TOO_LARGE`; `SERVICE_UNAVAILABLE` where the broker is away for too long, then the event is not
   * published; `OUTCOME_UNKNOWN` where it went away meanwhile, then it may be.
   */
  async publish(key: string, event: Input, { dedupeId }: PublishEventOptions = {}): Promise<TopicEvent<Data>> {
    const { schema, log, codec, publishWaitMs } = this.#parts;
    checkKey(key);
    const checked = validate(schema, event);
    const data = isThenable(checked) ? await checked : checked;
    const position = await log.publish(key, codec.encode(data), { id: dedupeId, waitMs: publishWaitMs });
    // What the schema gives is what its type says.
    return { id: formatPosition(position), key, data: data as Data };
  }

  /**
   * The newest events of a key, oldest first; or those after an id, or before one. Of an id that the broker knows nothing of any more,
   * `after` gives all there are, `before` none.
   *
   * @throws TautlineError `BAD_REQUEST` where an id is none; `SERVICE_UNAVAILABLE` where the broker is away.
   */
  async history(
    key: string,
    { after, before, limit = defaultHistoryLimit }: HistoryOptions = {},
  ): Promise<TopicEvent<Data>[]> {
    const { log, codec } = this.#parts;
    checkKey(key);
    const { events } = await log.history(key, {
      after: readId(after),
      before: readId(before),
      limit: Math.min(Math.max(1, Math.floor(limit)), maxHistoryLimit),
      maxBytes: maxHistoryBytes,
    });
    return events.map(({ position, text }) => ({
      id: formatPosition(position),
      key,
      data: codec.decode(text) as Data,
    }));
  }

  /**
   * The events of a key, or of several (100 at most), to be returned by a subscription procedure as it is. Begins when it is read.
   *
   * Over Tautline a client that comes back, to whichever node, goes on after the last event that it has seen, or is told of a gap.
   *
   * Of several keys, those of each come in order. Their ids say where each of the keys is: to go on, hand in the same keys.
   *
   * @throws TautlineError `BAD_REQUEST` where a key is none, or there are too many.
   */
  subscribe<Snapshot = never, Told = never>(
    keys: string | readonly string[],
    options: SubscribeEventsOptions<MemberInput, Snapshot, Told> = noOptions,
  ): TopicSubscription<Data, SnapshotItem<Snapshot> | Exclude<Told, void | undefined>> {
    const sorted = typeof keys === "object" ? sortKeys(keys) : [checkKey(keys)];
    const list = sorted.length === 1 ? undefined : new PositionList(sorted);
    const { reading } = this.#parts;
    return new TopicSubscription(
      new ReadPlan({ topic: reading, keys: sorted, list, options, stages: noStages, check: undefined }),
    );
  }

  /** Who is at a key, on all nodes: those who said so with `as`, in a subscription or here. */
  presence(key: string, options: PresenceOptions<MemberInput> = {}): Presence<Member> {
    checkKey(key);
    return this.#parts.presence.of(key, options);
  }
}

const noOptions = {};
const noStages: readonly Stage[] = [];

function sortKeys(keys: readonly string[]): readonly string[] {
  for (const key of keys) checkKey(key);
  const sorted = [...new Set(keys)].sort();
  if (sorted.length === 0 || sorted.length > maxKeys) throw badRequest(`a subscription has 1 to ${maxKeys} keys`);
  return sorted;
}

/** Lone surrogates are the same bytes: two keys would be one. */
function checkKey(key: unknown): string {
  if (typeof key === "string" && key.length <= maxKeyLength && !/\p{Surrogate}/u.test(key)) return key;
  throw badRequest("no key");
}

function readId(id: string | undefined): Position | undefined {
  const position = id === undefined ? undefined : parsePosition(id);
  if (id !== undefined && position === undefined) throw badRequest("no event's id");
  return position;
}

function badRequest(message: string): TautlineError {
  return new TautlineError({ code: "BAD_REQUEST", message });
}
