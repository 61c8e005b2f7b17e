import type { Following } from "./history.ts";
import type { PublishedKey } from "./published-key.ts";

/** Where a subscription is in one of its keys, as far as the history has been read. */
export class KeyTrack {
  readonly key: string;
  readonly published: PublishedKey;
  /** Where its runs were to begin. */
  readonly starts: number[] = [];
  /** Where its reader may be, as it has begun; undefined before, and where it begins anew. What comes first tells which of them it is. */
  begun: readonly number[] | undefined = undefined;
  /** What it has seen last. */
  last = -1;

  constructor(key: string, published: PublishedKey) {
    this.key = key;
    this.published = published;
  }

  get places(): readonly number[] {
    return this.begun ?? this.starts;
  }

  /** What may come next, of what was published before an entry of the history. */
  nexts(every: number, order: number): readonly (number | undefined)[] {
    return this.places.map((place) => this.published.next(place, every, order));
  }

  /** Whether it may be at a position: nothing lies between it and where it is. Events of other keys may. */
  mayBeAt(position: number, every: number, order: number): boolean {
    return this.places.some((place) => {
      const next = this.published.next(Math.min(place, position), every, order);
      return next === undefined || next > Math.max(place, position);
    });
  }

  goTo(position: number): void {
    this.begun = [position];
    this.last = position;
  }
}

/** A subscription to a topic, as far as the history has been read. */
export interface TopicFollower extends Following {
  readonly at: number;
  readonly call: string;
  readonly client: string;
  /** One for each key, in their order. */
  readonly tracks: readonly KeyTrack[];
  /** A snapshot has to come before an event. */
  lacksSnapshot: boolean;
  over: boolean;
}
