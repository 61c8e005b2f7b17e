import type { TrackedEnvelope } from "@trpc/server";
import type { EventInfo, ReadPlan, ReadReceiver } from "./read-plan.ts";
import { CheckableSource, type ItemCheck } from "./subscription-items.ts";
import { TopicIterator } from "./topic-iterator.ts";
import { TopicReader } from "./topic-reader.ts";

/**
 * Events of a topic, to be returned by a subscription procedure as it is, or read with `for await`: `tracked(id, event)`, those to
 * come, or those after an id.
 *
 * It begins when it is read, and costs nothing before; each reading is one of its own. What a filter lets through and what a map makes
 * is decided for each subscriber, in the turn in which the event is taken; what they throw ends the subscription.
 *
 * @typeParam Event what is made of events.
 * @typeParam Extra what comes between them: snapshots, and what `onGap` gives.
 */
export class TopicSubscription<Event, Extra = never>
  extends CheckableSource
  implements AsyncIterable<TrackedEnvelope<Event | Extra>, void>
{
  readonly #plan: ReadPlan;

  constructor(plan: ReadPlan) {
    super();
    this.#plan = plan;
  }

  /** Leaves events out. What a filter leaves out is no gap. */
  filter<Kept extends Event>(passes: (event: Event, info: EventInfo) => event is Kept): TopicSubscription<Kept, Extra>;
  filter(passes: (event: Event, info: EventInfo) => boolean): TopicSubscription<Event, Extra>;
  filter(passes: (event: Event, info: EventInfo) => boolean): TopicSubscription<Event, Extra> {
    // What comes out of the stage before is what its type says.
    const stage = { kind: "filter", passes: passes as (event: unknown, info: EventInfo) => boolean } as const;
    return new TopicSubscription(this.#plan.withStage(stage));
  }

  /** Makes something else of each event. */
  map<To>(map: (event: Event, info: EventInfo) => To): TopicSubscription<To, Extra> {
    const stage = { kind: "map", map: map as (event: unknown, info: EventInfo) => unknown } as const;
    return new TopicSubscription(this.#plan.withStage(stage));
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<TrackedEnvelope<Event | Extra>, void> {
    return new TopicIterator(this.#plan) as AsyncIterableIterator<TrackedEnvelope<Event | Extra>, void>;
  }

  /** Events are checked once, however many subscribers there are. */
  override checkedBy(check: ItemCheck): TopicSubscription<unknown> {
    return new TopicSubscription(this.#plan.withCheck(check));
  }

  /** For whoever takes items without promises. @param lastEventId goes before an `after` of the subscription's own. */
  read(receiver: ReadReceiver, lastEventId: string | undefined): TopicReader {
    return new TopicReader(this.#plan, receiver, lastEventId ?? this.#plan.options.after ?? undefined);
  }
}
