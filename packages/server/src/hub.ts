import { randomBytes } from "node:crypto";
import { rich, type Schema, type SchemaInput, type SchemaOutput, TautlineError } from "@tautline/core";
import { Deadlines } from "@tautline/core/internals";
import type { Broker, Closable } from "./broker.ts";
import { backgroundClock } from "./clock.ts";
import { EventCodec } from "./event-codec.ts";
import { HubBroker } from "./hub-broker.ts";
import { type ControlledServer, HubControl, type HubCounts, type ServerHub } from "./hub-control.ts";
import {
  defaultLeaseMs,
  defaultMaxEventBytes,
  defaultPublishWaitMs,
  type HubOptions,
  type MemberSchema,
  type TopicOptions,
  topicLimits,
} from "./hub-options.ts";
import { memoryBroker } from "./memory-broker.ts";
import { PresenceGroups } from "./presence.ts";
import type { GroupHost } from "./presence-group.ts";
import { Renewals } from "./renewals.ts";
import { Topic } from "./topic.ts";
import { TopicFeeds } from "./topic-feeds.ts";

/**
 * Makes a hub: what owns topics. One for each process; those with brokers of the same backend are nodes, whose topics of the same name
 * are one.
 */
export function createHub(options: HubOptions = {}): Hub {
  return new Hub(options);
}

/** Topics, and what the nodes that share them tell each other. */
export class Hub implements ServerHub {
  readonly #broker: Broker;
  readonly #host: GroupHost;
  readonly #deadlines: Deadlines;
  readonly #control: HubControl;
  readonly #publishWaitMs: number;
  readonly #feeds = new Map<string, TopicFeeds>();

  constructor(options: HubOptions) {
    const { clock = backgroundClock, transformer = rich, maxEventBytes = defaultMaxEventBytes } = options;
    this.#broker = new HubBroker(options.broker ?? memoryBroker({ clock }));
    this.#deadlines = new Deadlines(clock);
    this.#host = {
      broker: this.#broker,
      codec: new EventCodec(transformer, maxEventBytes),
      renewals: new Renewals(this.#deadlines, options.leaseMs ?? defaultLeaseMs),
      node: randomBytes(9).toString("base64url"),
    };
    this.#control = new HubControl(this.#host, options.onError ?? logError);
    this.#publishWaitMs = options.publishWaitMs ?? defaultPublishWaitMs;
  }

  /**
   * Opens a topic: events that fit a schema, in a log for each key. What the schema makes of them is what is kept.
   *
   * @throws TypeError where this hub has a topic of that name.
   */
  topic<S extends Schema, M extends MemberSchema = Schema<{ id: string }, { id: string }>>(
    name: string,
    schema: S,
    options: TopicOptions<M> = {},
  ): Topic<SchemaInput<S>, SchemaOutput<S>, SchemaInput<M>, SchemaOutput<M>> {
    if (this.#feeds.has(name)) throw new TypeError(`there is a topic ${name} already`);
    const { history, buffer, policy } = topicLimits(options);
    const log = this.#broker.openTopic(name, history);
    const { codec } = this.#host;
    const presence = new PresenceGroups(this.#host, name, options.member ?? anyMember);
    const reading = new TopicFeeds({ log, codec, deadlines: this.#deadlines, buffer, policy, presence });
    this.#feeds.set(name, reading);
    return new Topic({ schema, log, codec, reading, presence, publishWaitMs: this.#publishWaitMs });
  }

  /**
   * Ends the sessions of an identity (as `identify` of `serve` says), on all nodes whose servers have their hub: they are closed with
   * 4411, and do not come back by themselves. Other nodes hear of it by best effort; who must not come in is for `createContext` to
   * refuse.
   */
  disconnect(identity: string): void {
    this.#control.disconnect(identity);
  }

  /** What all nodes have together. @throws TautlineError `SERVICE_UNAVAILABLE` where the broker is away. */
  counts(): Promise<HubCounts> {
    return this.#control.counts();
  }

  /** Tells the hubs of all nodes, this one included. Best effort: what a node does not hear now it never hears. */
  broadcast(name: string, data?: unknown): void {
    this.#control.broadcast(name, data);
  }

  /** Hears of what is broadcast by that name. What the listener throws goes to `onError`. */
  onBroadcast(name: string, listener: (data: unknown) => void): Closable {
    return this.#control.onBroadcast(name, listener);
  }

  /** A server of this node is there: `serve` says so. */
  attach(server: ControlledServer): void {
    this.#control.attach(server);
  }

  detach(server: ControlledServer): void {
    this.#control.detach(server);
  }

  /** Ends all subscriptions with `SERVICE_UNAVAILABLE`, and closes the broker. Close servers first. Idempotent. */
  async close(): Promise<void> {
    const closed = new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "the hub is closed" });
    for (const feeds of this.#feeds.values()) feeds.fail(closed);
    this.#deadlines.clear();
    await this.#broker.close();
  }
}

/** The members of a topic that has no schema for them. */
const anyMember: Schema<{ id: string }, { id: string }> = {
  "~standard": {
    version: 1,
    vendor: "tautline",
    validate: (value) => (isMember(value) ? { value: { id: value.id } } : { issues: [{ message: "no member" }] }),
  },
};

function isMember(value: unknown): value is { id: string } {
  return typeof value === "object" && value !== null && "id" in value && typeof value.id === "string";
}

function logError(error: unknown): void {
  // oxlint-disable-next-line no-console -- the documented default: an error that nobody hears of is worse
  console.error("tautline:", error);
}
