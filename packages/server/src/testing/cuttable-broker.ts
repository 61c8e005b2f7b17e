import { TautlineError } from "@tautline/core";
import { type Clock, Deadlines } from "@tautline/core/internals";
import type {
  Broker,
  BrokerTopic,
  Closable,
  FollowListener,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  PositionGap,
  PublishOptions,
  StoredEvent,
} from "../broker.ts";

/** A broker that can be cut off what is behind it, and let through again: for tests of what happens meanwhile. */
export class CuttableBroker implements Broker {
  readonly deadlines: Deadlines;
  readonly #broker: Broker;
  readonly #follows = new Set<CuttableFollow>();
  readonly #listening = new Set<() => void>();
  #back: Array<() => void> = [];
  #away = false;

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker;
    this.deadlines = new Deadlines(clock);
  }

  get away(): boolean {
    return this.#away;
  }

  cut(): void {
    this.#away = true;
  }

  /** What waits goes on, in its order; followers hear what they have missed. */
  restore(): void {
    this.#away = false;
    const back = this.#back;
    this.#back = [];
    for (const goOn of back) goOn();
    for (const onListening of this.#listening) onListening();
    for (const follow of this.#follows) follow.catchUp();
  }

  /** Resolves when it is back. @throws TautlineError `SERVICE_UNAVAILABLE` when `waitMs` are over. */
  async through(waitMs: number): Promise<void> {
    if (!this.#away) return;
    if (waitMs <= 0) throw away();
    await new Promise<void>((resolve, reject) => {
      const deadline = this.deadlines.add(waitMs, () => {
        this.#back = this.#back.filter((goOn) => goOn !== onBack);
        reject(away());
      });
      const onBack = (): void => {
        deadline.cancel();
        resolve();
      };
      this.#back.push(onBack);
    });
  }

  follow(topic: BrokerTopic, key: string, listener: FollowListener): Closable {
    const follow = new CuttableFollow(this, topic, key, listener);
    this.#follows.add(follow);
    follow.onClosed = () => this.#follows.delete(follow);
    return follow;
  }

  openTopic(name: string, limits: HistoryLimits): BrokerTopic {
    return new CuttableTopic(this, this.#broker.openTopic(name, limits));
  }

  signal(channel: string, text: string): void {
    if (!this.#away) this.#broker.signal(channel, text);
  }

  listen(channel: string, onSignal: (text: string) => void, onListening: () => void = () => {}): Closable {
    // The same function may listen twice.
    const own = (): void => onListening();
    this.#listening.add(own);
    const pass = (text: string): void => {
      if (!this.#away) onSignal(text);
    };
    const behind = this.#broker.listen(channel, pass, () => {
      if (!this.#away) onListening();
    });
    return {
      close: () => {
        this.#listening.delete(own);
        behind.close();
      },
    };
  }

  async lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    if (this.#away) await this.through(0);
    return await this.#broker.lease(group, members, ttlMs);
  }

  async release(group: string, members: Iterable<string>): Promise<void> {
    // Else at once: what is released right before it is closed has its effect.
    if (this.#away) await this.through(0);
    return await this.#broker.release(group, members);
  }

  async members(group: string): Promise<ReadonlyMap<string, string>> {
    await this.through(0);
    return await this.#broker.members(group);
  }

  close(): Promise<void> {
    this.deadlines.clear();
    for (const follow of this.#follows) follow.close();
    return this.#broker.close();
  }
}

class CuttableTopic implements BrokerTopic {
  readonly #broker: CuttableBroker;
  readonly #topic: BrokerTopic;

  constructor(broker: CuttableBroker, topic: BrokerTopic) {
    this.#broker = broker;
    this.#topic = topic;
  }

  async publish(key: string, text: string, options: PublishOptions): Promise<Position> {
    if (this.#broker.away) await this.#broker.through(options.waitMs);
    return await this.#topic.publish(key, text, options);
  }

  async history(key: string, query: HistoryQuery): Promise<HistoryPage> {
    await this.#broker.through(0);
    return await this.#topic.history(key, query);
  }

  follow(key: string, listener: FollowListener): Closable {
    return this.#broker.follow(this.#topic, key, listener);
  }
}

/** Passes on what the follow behind it hears; what it has not passed on while cut off it reads from the history. */
class CuttableFollow implements FollowListener, Closable {
  onClosed: () => void = () => {};
  readonly #broker: CuttableBroker;
  readonly #topic: BrokerTopic;
  readonly #key: string;
  readonly #listener: FollowListener;
  readonly #behind: Closable;
  #position: Position | undefined = undefined;
  #reading = false;
  /** Whether something has come since it began to read. */
  #missing = false;
  #closed = false;

  constructor(broker: CuttableBroker, topic: BrokerTopic, key: string, listener: FollowListener) {
    this.#broker = broker;
    this.#topic = topic;
    this.#key = key;
    this.#listener = listener;
    this.#behind = topic.follow(key, this);
  }

  onStarted(at: Position): void {
    if (this.#broker.away || this.#position !== undefined) return;
    this.#position = at;
    this.#listener.onStarted(at);
  }

  onEvent(event: StoredEvent): void {
    if (this.#position === undefined || this.#broker.away || this.#reading) this.#missing = true;
    else this.#pass(event);
  }

  onGap(gap: PositionGap): void {
    if (this.#position === undefined || this.#broker.away || this.#reading) this.#missing = true;
    else this.#passGap(gap);
  }

  catchUp(): void {
    // Settled by its own catch.
    if (!this.#reading && !this.#closed) void this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#behind.close();
    this.onClosed();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      do this.#missing = false;
      while ((await this.#readPage()) || this.#missing);
    } catch {
      // It was cut off again, and will be restored.
    }
    this.#reading = false;
  }

  /** Whether there may be more. */
  async #readPage(): Promise<boolean> {
    const after = this.#position;
    const page = await this.#topic.history(this.#key, { after, limit: 100, maxBytes: 1024 * 1024 });
    if (this.#closed || this.#broker.away) return false;
    if (after === undefined) this.onStarted(page.end);
    if (page.gap !== undefined) this.#passGap(page.gap);
    if (after !== undefined) for (const event of page.events) this.#pass(event);
    return after === undefined || page.events.length > 0;
  }

  #pass(event: StoredEvent): void {
    this.#position = event.position;
    this.#listener.onEvent(event);
  }

  #passGap(gap: PositionGap): void {
    this.#position = gap.to;
    this.#listener.onGap(gap);
  }
}

function away(): TautlineError {
  return new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "the broker is away" });
}
