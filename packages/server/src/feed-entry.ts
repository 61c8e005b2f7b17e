import type { Position, PositionGap, StoredEvent } from "./broker.ts";
import type { EventCodec } from "./event-codec.ts";
import { formatPosition } from "./event-id.ts";
import type { ItemCheck } from "./subscription-items.ts";
import { checkData } from "./subscription-items.ts";
import { unheard } from "./thenable.ts";

/** An item as a topic's subscriber gets it. */
export interface TopicItem {
  /** A later subscription can continue after it. */
  readonly id: string;
  /** A promise where the contract's schema is asynchronous. */
  readonly data: unknown;
}

/** What has come of a key: an event, or word of a gap. Entries of all keys are counted as they come. */
export type FeedEntry = FeedEvent | FeedGap;

/** One event, the same object for everybody who gets it: it is read once, and checked once for each contract. */
export class FeedEvent implements TopicItem {
  readonly key: string;
  readonly position: Position;
  readonly text: string;
  /** Which one it was to come, of all keys; 0 for one that was read from history. */
  readonly arrival: number;
  readonly #codec: EventCodec;
  #id: string | undefined = undefined;
  #data: { readonly value: unknown } | undefined = undefined;
  #checked: { readonly check: ItemCheck; readonly item: TopicItem } | undefined = undefined;

  constructor(key: string, { position, text }: StoredEvent, codec: EventCodec, arrival: number) {
    this.key = key;
    this.position = position;
    this.text = text;
    this.arrival = arrival;
    this.#codec = codec;
  }

  get id(): string {
    this.#id ??= formatPosition(this.position);
    return this.#id;
  }

  get data(): unknown {
    this.#data ??= { value: this.#codec.decode(this.text) };
    return this.#data.value;
  }

  /** The event as a contract lets it through. @throws TRPCError where it does not. */
  checked(check: ItemCheck): TopicItem {
    if (this.#checked?.check !== check)
      this.#checked = { check, item: { id: this.id, data: unheard(checkData(this.data, check)) } };
    return this.#checked.item;
  }
}

/** Events up to this position may be missing. */
export class FeedGap {
  readonly position: Position;
  readonly arrival: number;

  constructor({ to }: PositionGap, arrival: number) {
    this.position = to;
    this.arrival = arrival;
  }
}

/** Whether a position is another's, or before it in the same epoch. */
export function isUpTo(position: Position, other: Position): boolean {
  return position.epoch === other.epoch && position.offset <= other.offset;
}

export function isSame(position: Position, other: Position): boolean {
  return position.epoch === other.epoch && position.offset === other.offset;
}
