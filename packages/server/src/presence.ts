import { type Schema, TautlineError, validate } from "@tautline/core";
import type { Closable } from "./broker.ts";
import { maxMemberIdLength } from "./hub-options.ts";
import { type GroupHost, type GroupWatcher, PresenceGroup, type SeenMember } from "./presence-group.ts";
import { unheard } from "./thenable.ts";

/** Who is there, and what has changed since this reader's last item; in the first everybody has joined. */
export interface PresenceChange<Member> {
  readonly members: readonly Member[];
  /** Those who are new, or of whom something else is said. */
  readonly joined: readonly Member[];
  readonly left: readonly Member[];
}

export interface PresenceOptions<Member = unknown> {
  /** Who is there for as long as this is read: whoever looks is seen. Default: nobody. */
  readonly as?: Member | undefined;
  /** Ends the iteration. What a procedure returns needs none. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Who is there, on all nodes. Each member once, however often and wherever it is there; a node that has died has none when its lease
 * has run out. Read with `for await`, or returned by a subscription procedure: a slow reader gets what has changed as one item.
 */
export class Presence<Member> implements AsyncIterable<PresenceChange<Member>, void> {
  readonly #groups: PresenceGroups;
  readonly #key: string;
  readonly #options: PresenceOptions;

  constructor(groups: PresenceGroups, key: string, options: PresenceOptions) {
    this.#groups = groups;
    this.#key = key;
    this.#options = options;
  }

  /** @throws TautlineError `SERVICE_UNAVAILABLE` where the broker is away. */
  async members(): Promise<readonly Member[]> {
    const group = this.#groups.group(this.#key);
    try {
      const members = await group.read();
      // What was checked when it was written is what its type says.
      return dataOf(members.values()) as readonly Member[];
    } finally {
      group.rest();
    }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<PresenceChange<Member>, void> {
    const { as, signal } = this.#options;
    const join = as === undefined ? undefined : () => this.#groups.join([this.#key], as);
    const watcher = new PresenceWatcher(() => this.#groups.group(this.#key), join, signal);
    return watcher as AsyncIterableIterator<PresenceChange<Member>, void>;
  }
}

/** Who is there, by the keys of one topic. */
export class PresenceGroups {
  readonly #host: GroupHost;
  readonly #topic: string;
  readonly #schema: Schema<unknown, { readonly id: string }>;
  readonly #groups = new Map<string, PresenceGroup>();

  /** @param schema of members; synchronous. */
  constructor(host: GroupHost, topic: string, schema: Schema<unknown, { readonly id: string }>) {
    this.#host = host;
    this.#topic = topic;
    this.#schema = schema;
  }

  /** Keys that somebody is in from this node, or watches here. */
  get size(): number {
    return this.#groups.size;
  }

  /**
   * @throws SchemaError where the member does not fit its schema.
   * @throws TautlineError `BAD_REQUEST` where its id is too long, `PAYLOAD_TOO_LARGE` where all of it is.
   */
  join(keys: readonly string[], as: unknown): Closable {
    const member = validate(this.#schema, as);
    if (member instanceof Promise) {
      unheard(member);
      throw new TypeError("the schema of members has to be synchronous");
    }
    const { id } = member;
    if (/\p{Surrogate}/u.test(id)) throw new TypeError("a member's id has lone surrogates");
    if (id.length > maxMemberIdLength) throw tooLong();
    const text = this.#host.codec.encode(member);
    const groups = keys.map((key) => this.group(key));
    for (const group of groups) group.join(id, text);
    return {
      close: () => {
        for (const group of groups) group.leave(id);
      },
    };
  }

  of<Member>(key: string, options: PresenceOptions): Presence<Member> {
    return new Presence(this, key, options);
  }

  group(key: string): PresenceGroup {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = new PresenceGroup(this.#host, nameOf(this.#topic, key), () => {
      // Whoever has looked for long may be done with it when another has its place.
      if (this.#groups.get(key) === group) this.#groups.delete(key);
    });
    this.#groups.set(key, group);
    return group;
  }

  /** Ends the subscriptions of everybody who watches. */
  fail(error: unknown): void {
    for (const group of this.#groups.values()) group.fail(error);
  }
}

function tooLong(): TautlineError {
  return new TautlineError({
    code: "BAD_REQUEST",
    message: `a member's id has ${maxMemberIdLength} characters at most`,
  });
}

/** No two keys of all topics have the same name. */
function nameOf(topic: string, key: string): string {
  return `presence:${topic.length}:${topic}:${key}`;
}

type Result = IteratorResult<PresenceChange<unknown>, void>;

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

class PresenceWatcher implements AsyncIterableIterator<PresenceChange<unknown>, void>, GroupWatcher {
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end(undefined);
  readonly #waiting: Waiting[] = [];
  /** Undefined where it has ended before it began. */
  readonly #group: PresenceGroup | undefined;
  #joined: Closable | undefined = undefined;
  #seen: ReadonlyMap<string, SeenMember> | undefined = undefined;
  #ended = false;
  /** Thrown once. */
  #error: unknown = undefined;

  /** @param join has whoever looks be seen. */
  constructor(group: () => PresenceGroup, join: (() => Closable) | undefined, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#ended = signal?.aborted === true;
    if (this.#ended) return;
    this.#joined = join?.();
    this.#group = group();
    signal?.addEventListener("abort", this.#onAbort);
    try {
      this.#group.watch(this);
    } catch (error) {
      this.#end(undefined);
      throw error;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.onMembers();
    });
  }

  return(): Promise<Result> {
    this.#end(undefined);
    return this.next();
  }

  onMembers(): void {
    while (this.#waiting.length > 0) {
      const change = this.#ended ? undefined : this.#change();
      if (change === undefined && !this.#ended) return;
      const waiting = this.#waiting.shift();
      if (change !== undefined) waiting?.resolve({ done: false, value: change });
      else this.#settle(waiting);
    }
  }

  onFailed(error: unknown): void {
    this.#end(error);
  }

  /** Undefined where nothing has changed. */
  #change(): PresenceChange<unknown> | undefined {
    const members = this.#group?.members;
    if (members === undefined || members === this.#seen) return undefined;
    const seen = this.#seen;
    const joined = dataOf([...members].filter(([id, member]) => seen?.get(id) !== member).map(([, member]) => member));
    const left = dataOf([...(seen ?? [])].filter(([id]) => !members.has(id)).map(([, member]) => member));
    this.#seen = members;
    if (seen !== undefined && joined.length === 0 && left.length === 0) return undefined;
    return { members: dataOf(members.values()), joined, left };
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#joined?.close();
    this.#group?.unwatch(this);
    this.onMembers();
  }

  #settle(waiting: Waiting | undefined): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) waiting?.resolve({ done: true, value: undefined });
    else waiting?.reject(error);
  }
}

function dataOf(members: Iterable<SeenMember>): readonly unknown[] {
  return Array.from(members, ({ data }) => data);
}
