import type { Closable, FollowListener, Position, StoredEvent } from "@tautline/server";
import type { CatchUp } from "./catch-ups.ts";
import type { LogPage } from "./log-page.ts";
import type { ChannelListener } from "./subscriptions.ts";

/** What a follow needs of its topic. */
export interface FollowedTopic {
  /** What comes after a position of a key's log; without one nothing, but where the log's end is. */
  readOn(key: string, after: Position | undefined): Promise<LogPage>;
  /** Has `catchUp` called as soon as there is room for it. */
  catchUp(follow: CatchUp): void;
  onClosed(follow: KeyFollow): void;
}

/**
 * `waiting` for its subscription, or for its turn to read; `reading` what it has missed; `live`: hears of each event as it comes.
 */
type State = "waiting" | "reading" | "live" | "closed";

interface Message extends StoredEvent {
  /** The offset of the event before it; undefined where the log began with it, as far as anybody knows. */
  readonly previous: number | undefined;
}

/** So many messages are kept while it reads. Where more come, it reads once more. */
const maxHeld = 256;

/**
 * Follows one key's log: first it has the channel, then it reads up to where the channel goes on. An event on the channel names the one
 * before it: where that is none that was heard, or where the epoch is another, it reads again.
 */
export class KeyFollow implements ChannelListener, CatchUp, Closable {
  readonly #topic: FollowedTopic;
  readonly #key: string;
  readonly #listener: FollowListener;
  /** To its channel, once there is one. */
  subscription: Closable | undefined = undefined;
  #state: State = "waiting";
  #position: Position | undefined = undefined;
  /** Undefined where there are none: most keys are idle. */
  #held: Message[] | undefined = undefined;
  #overflown = false;
  #catchingUp = false;
  /** How often its subscription was lost. */
  #losses = 0;

  constructor(topic: FollowedTopic, key: string, listener: FollowListener) {
    this.#topic = topic;
    this.#key = key;
    this.#listener = listener;
  }

  onSubscribed(): void {
    if (this.#state === "waiting") this.#readAgain();
  }

  onUnsubscribed(): void {
    if (this.#state === "closed") return;
    this.#losses++;
    this.#state = "waiting";
    this.#held = undefined;
  }

  onMessage(text: string): void {
    if (this.#state === "live") this.#take(toMessage(text));
    else if (this.#state === "reading") this.#hold(toMessage(text));
  }

  /** Reads, and tells, what it has not heard. Rejects where the server is away; then it is to be called again. */
  async catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      while (this.#state === "reading") await this.#read();
    } finally {
      this.#catchingUp = false;
    }
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#held = undefined;
    this.subscription?.close();
    this.#topic.onClosed(this);
  }

  #readAgain(): void {
    this.#state = "reading";
    this.#topic.catchUp(this);
  }

  async #read(): Promise<void> {
    const losses = this.#losses;
    this.#overflown = false;
    const page = await this.#topic.readOn(this.#key, this.#position);
    // The channel has been lost meanwhile: what it goes on with may be long after this page.
    if (losses !== this.#losses) return;
    this.#tell(page);
    if (!page.cut && !this.#overflown) this.#goLive();
  }

  #hold(message: Message): void {
    this.#held ??= [];
    if (this.#held.push(message) <= maxHeld) return;
    this.#held = undefined;
    this.#overflown = true;
  }

  #tell({ events, gap, end }: LogPage): void {
    if (this.#state === "closed") return;
    if (this.#position === undefined) this.#listener.onStarted(end);
    else if (gap !== undefined) this.#listener.onGap(gap);
    for (const event of events) {
      if (this.#isClosed) return;
      this.#listener.onEvent(event);
    }
    this.#position = end;
  }

  #goLive(): void {
    if (this.#isClosed) return;
    this.#state = "live";
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) if (this.#state === "live") this.#take(message);
  }

  #take({ position, previous, text }: Message): void {
    const at = this.#position;
    const comparable = position.epoch === at?.epoch;
    if (comparable && position.offset <= at.offset) return;
    // What has come so far, this message too, is in what will be read, or told to be missing there.
    if (!comparable || (previous !== undefined && previous > at.offset)) return this.#readAgain();
    this.#position = position;
    this.#listener.onEvent({ position, text });
  }

  // A listener may close it, which the compiler does not see.
  get #isClosed(): boolean {
    return this.#state === "closed";
  }
}

/** `epoch.previous.offset.text` */
function toMessage(message: string): Message {
  const first = message.indexOf(".");
  const second = message.indexOf(".", first + 1);
  const third = message.indexOf(".", second + 1);
  const previous = message.slice(first + 1, second);
  return {
    position: { epoch: message.slice(0, first), offset: Number(message.slice(second + 1, third)) },
    previous: previous === "" ? undefined : Number(previous),
    text: message.slice(third + 1),
  };
}
