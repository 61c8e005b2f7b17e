import { bug, type PlantedBug } from "./planted-bug.ts";

const reader = "packages/server/src/topic-reader.ts";
const memoryTopic = "packages/server/src/memory-topic.ts";
const memoryLog = "packages/server/src/memory-log.ts";
const entry = "packages/server/src/feed-entry.ts";

/** Where a subscription is in its log: several keys, snapshots, logs that are lost. */
export const plantedLogBugs: readonly PlantedBug[] = [
  bug(
    "of several keys all go on where the first does",
    reader,
    "this.#plan.topic.feed(key), positions?.[index])",
    "this.#plan.topic.feed(key), positions?.[0 * index])",
  ),
  bug(
    "of several keys the first alone is closed",
    reader,
    "    for (const cursor of this.#cursors) cursor.close();\n",
    "    this.#cursors[0]?.close();\n",
  ),
  bug(
    "an id of several keys says where one of them is",
    reader,
    "return list === undefined ? item : { id: this.#id(), data: item.data };",
    "return item;",
  ),
  bug(
    "a snapshot's followers are woken before it",
    reader,
    "    if (id !== at) this.#seek(id);\n    this.#takingSnapshot = false;\n",
    "    this.#takingSnapshot = false;\n    if (id !== at) this.#seek(id);\n",
  ),
  bug("a snapshot is followed from where it was asked for", reader, "    if (id !== at) this.#seek(id);\n", ""),
  bug(
    "a snapshot is not taken again after a gap",
    reader,
    "if (this.#plan.options.snapshot === undefined) return this.#tellGap",
    "return this.#tellGap",
  ),
  bug(
    "a snapshot after a gap is followed from the gap",
    reader,
    "    for (const cursor of this.#cursors) cursor.seek(undefined);\n",
    "",
  ),
  bug(
    "a subscription that goes on takes a snapshot",
    reader,
    "if (this.#after === undefined || unknown || this.#after.endsWith(snapshotDue)) this.#takeSnapshot();",
    "this.#takeSnapshot();",
  ),
  bug(
    "a snapshot that was due is forgotten with its session",
    reader,
    "this.#tellGap(from, this.#id() + snapshotDue);",
    "this.#tellGap(from, this.#id());",
  ),
  bug("nobody is told that all is lost", memoryTopic, "log.tellGap({ from, to: end });", ""),
  bug(
    "an id of an epoch that is over is taken for one of this",
    memoryTopic,
    "after.epoch === end.epoch && after.offset <= end.offset",
    "after.offset <= end.offset",
  ),
  bug(
    "what was lost is compared with what is new",
    entry,
    "position.epoch === other.epoch && position.offset <= other.offset",
    "position.offset <= other.offset",
  ),
  bug("history that was cut is not missed", memoryLog, "    this.goneTo = kept.event.position.offset;\n", ""),
];
