import { bug, type PlantedBug } from "./planted-bug.ts";

const seat = "packages/server/src/channel-seat.ts";
const pump = "packages/server/src/topic-pump.ts";
const cursor = "packages/server/src/key-cursor.ts";
const reader = "packages/server/src/topic-reader.ts";
const memoryTopic = "packages/server/src/memory-topic.ts";
const lending = "packages/core/src/deferred-replay-buffer.ts";
const outbox = "packages/core/src/outbox.ts";
const outgoing = "packages/core/src/outgoing-calls.ts";

/** Where events of topics go: channels, feeds, history. */
export const plantedTopicBugs: readonly PlantedBug[] = [
  bug(
    "credit is not counted on a channel",
    seat,
    "for (const { call } of this.#passengers) call.spend(this.#spent);",
    "",
  ),
  bug(
    "an event is left out when a call is put down",
    seat,
    "passenger.onPutDown(this.#next);",
    "passenger.onPutDown(this.#next + 1);",
  ),
  bug(
    "an event comes again when a call is put down",
    seat,
    "passenger.onPutDown(this.#next);",
    "passenger.onPutDown(this.#next - 1);",
  ),
  bug(
    "whoever leaves a channel takes the next one off it",
    seat,
    "this.#passengers.splice(this.#passengers.indexOf(passenger), 1);",
    "this.#passengers.splice(this.#passengers.indexOf(passenger), 2);",
  ),
  bug("a seat stays when its last call has left", seat, "if (this.#passengers.length === 0) this.#close();", ""),
  bug(
    "an event is not brought where the socket is full",
    seat,
    "if (drained !== undefined) this.putDown();",
    "if (drained !== undefined) return;",
  ),
  bug("what a seat sent over a loan is not accounted for", seat, "kept.push(owed.shared);", ";"),
  bug(
    "the last that a seat sent over a loan is not accounted for",
    seat,
    "owed.entry < this.#next;",
    "owed.entry < this.#next - 1;",
  ),
  bug("a socket is used when the loan is over", seat, "    this.#socket = undefined;\n", ""),
  bug(
    "what is sent during a loan is accounted for before what was lent for",
    lending,
    "override push(message: OutgoingMessage): void {\n    this.recall();",
    "override push(message: OutgoingMessage): void {",
  ),
  bug(
    "a channel's event overtakes what waits for the end of the turn",
    outbox,
    "      this.flush();\n",
    '      if (typeof message === "string") this.flush();\n',
  ),
  bug("a gap in the history is not told", pump, "this.#host.sendGap(next, this.call);", "continue;"),
  bug("a call that is over stays in its feed", pump, "    this.#reader?.close();\n", ""),
  bug("a call that is put down is not told", pump, "    this.call.sendChannel(0);\n", ""),
  bug(
    "a subscriber that was too slow is not told what it missed",
    cursor,
    "if (this.#next < this.#feed.first) return this.#takeOverrun();",
    "if (this.#next < this.#feed.first) this.#next = this.#feed.first;",
  ),
  bug(
    "a subscriber that was too slow is told too much",
    cursor,
    "to: this.#feed.base ?? this.position",
    "to: this.#feed.position ?? this.position",
  ),
  bug(
    "a gap begins where it ends",
    reader,
    "if (entry instanceof FeedGap) return this.#onGap(cursor, from);",
    "if (entry instanceof FeedGap) return this.#onGap(cursor, cursor.position);",
  ),
  bug(
    "history that is gone is not missed",
    memoryTopic,
    "if (known && after.offset >= goneTo) return undefined;",
    "if (known) return undefined;",
  ),
  bug("an event of a channel is not the last that was seen", outgoing, "      call.lastEventId = eventId;\n", ""),
  bug(
    "who unsubscribes stays on its channel",
    outgoing,
    "    this.#leaveChannel(call);\n    return this.#calls.delete(call.id);",
    "    return this.#calls.delete(call.id);",
  ),
];
