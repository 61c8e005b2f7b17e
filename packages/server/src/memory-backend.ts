import { randomBytes } from "node:crypto";
import { type Clock, Deadlines } from "@tautline/core/internals";
import type { Closable, HistoryLimits, Position } from "./broker.ts";
import { backgroundClock } from "./clock.ts";
import { listenersOf } from "./listeners.ts";
import { MemoryGroup } from "./memory-group.ts";
import { MemoryTopic, type TopicHost } from "./memory-topic.ts";

export interface MemoryBackendOptions {
  /** What the events of all topics may take together, in bytes, by and large; the oldest go first. Default 256 MiB. Off: `Infinity`. */
  readonly maxBytes?: number;
  /** Time, for tests. Default the system's. */
  readonly clock?: Clock;
}

/** What the memory brokers of one process share: logs, channels and groups. */
export class MemoryBackend implements TopicHost {
  readonly deadlines: Deadlines;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #channels = new Map<string, Set<(text: string) => void>>();
  readonly #groups = new Map<string, MemoryGroup>();
  #end: Position = { epoch: randomEpoch(), offset: 0 };
  #bytes = 0;

  constructor({ maxBytes = 256 * 1024 * 1024, clock = backgroundClock }: MemoryBackendOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
    this.deadlines = new Deadlines(clock);
  }

  get end(): Position {
    return this.#end;
  }

  /** What kept events take, by and large. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys, channels and groups that take memory. */
  get entries(): number {
    let keys = 0;
    for (const topic of this.#topics.values()) keys += topic.keys;
    return keys + this.#channels.size + this.#groups.size;
  }

  now(): number {
    return this.#clock.now();
  }

  nextPosition(): Position {
    this.#end = { epoch: this.#end.epoch, offset: this.#end.offset + 1 };
    return this.#end;
  }

  onKept(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) if (!this.#shiftOldest()) return;
  }

  /** The limits are those of whoever opens it first. */
  topic(name: string, limits: HistoryLimits): MemoryTopic {
    const topic = this.#topics.get(name) ?? new MemoryTopic(this, limits);
    this.#topics.set(name, topic);
    return topic;
  }

  /** As from another machine: not in this turn. */
  signal(channel: string, text: string): void {
    void settled.then(() => {
      for (const onSignal of listenersOf(this.#channels.get(channel))) onSignal(text);
    });
  }

  listen(channel: string, onSignal: (text: string) => void): Closable {
    const listeners = this.#channels.get(channel) ?? new Set();
    // The same function may listen twice.
    const listener = (text: string): void => onSignal(text);
    this.#channels.set(channel, listeners.add(listener));
    return {
      close: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#channels.delete(channel);
      },
    };
  }

  lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): void {
    const leased = this.#groups.get(group) ?? new MemoryGroup(this, () => this.#groups.delete(group));
    this.#groups.set(group, leased);
    leased.lease(members, ttlMs);
  }

  release(group: string, members: Iterable<string>): void {
    this.#groups.get(group)?.release(members);
  }

  members(group: string): ReadonlyMap<string, string> {
    return this.#groups.get(group)?.members ?? new Map<string, string>();
  }

  /** Loses everything, as a restart does, but for who follows and listens. */
  flush(): void {
    const from = this.#end;
    this.#end = { epoch: randomEpoch(), offset: from.offset };
    for (const group of this.#groups.keys()) this.release(group, this.members(group).keys());
    for (const topic of this.#topics.values()) topic.flush(from, this.#end);
  }

  /** Waits for nothing any more. */
  close(): void {
    this.deadlines.clear();
  }

  #shiftOldest(): boolean {
    let oldest: MemoryTopic | undefined;
    for (const topic of this.#topics.values()) {
      if (offsetOf(topic) < offsetOf(oldest)) oldest = topic;
    }
    oldest?.shift();
    return oldest !== undefined;
  }
}

const settled: Promise<void> = Promise.resolve();

function offsetOf(topic: MemoryTopic | undefined): number {
  return topic?.oldestOffset ?? Number.POSITIVE_INFINITY;
}

function randomEpoch(): string {
  return randomBytes(6).toString("base64url");
}
