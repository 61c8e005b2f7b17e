// What `rich` adds to JSON.stringify and JSON.parse, by value. Each pair is timed in turns, in the same run; medians.
import { rich } from "@tautline/core";

/** What is promised of values that hold nothing rich. */
const atMost = { encode: 1.3, decode: 1.05 };
const assert = process.argv.includes("--assert");
let good = true;

const order = (id: number, more: object): object => ({
  id,
  title: `Order number ${id}`,
  active: id % 2 === 0,
  price: id * 1.25,
  tags: ["a", "bb", "ccc"],
  customer: { name: `Ada Lovelace ${id}`, email: `ada${id}@example.com`, address: { street: "Main St 1", zip: null } },
  ...more,
});

const values: Readonly<Record<string, unknown>> = {
  "20 B object": { id: 7, name: "ada" },
  "1 kB of rows": Array.from({ length: 5 }, (_, id) => order(id, {})),
  "10 kB of rows": { page: 1, items: Array.from({ length: 52 }, (_, id) => order(id, {})) },
  "10 kB of text": Object.fromEntries(
    Array.from({ length: 190 }, (_, id) => [`key${id}`, `some text, number ${id}, of a usual length`]),
  ),
  "10 kB of numbers": Array.from({ length: 1900 }, (_, id) => id * 1.5),
  "10 kB of rows with Dates": {
    page: 1,
    items: Array.from({ length: 42 }, (_, id) => order(id, { at: new Date(id) })),
  },
};

function timeUs(run: () => unknown, rounds: number): number {
  const start = performance.now();
  for (let round = 0; round < rounds; round++) run();
  return ((performance.now() - start) * 1000) / rounds;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

/** Short turns, one right after the other: what else the machine does falls on both. @param most the ratio that is promised. */
function row(name: string, json: () => unknown, ours: () => unknown, most = Number.POSITIVE_INFINITY): void {
  const rounds = Math.ceil(2000 / Math.max(timeUs(json, 2000), 0.1));
  const times: [number, number][] = [];
  for (let turn = 0; turn < 300; turn++) {
    const first = timeUs(turn % 2 === 0 ? json : ours, rounds);
    const second = timeUs(turn % 2 === 0 ? ours : json, rounds);
    times.push(turn % 2 === 0 ? [first, second] : [second, first]);
  }
  const us = (time: number): string => `${time.toFixed(2).padStart(9)} µs`;
  const [jsonUs, oursUs] = [median(times.map((time) => time[0])), median(times.map((time) => time[1]))];
  const ratio = median(times.map((time) => time[1] / time[0]));
  const holds = ratio <= most;
  good &&= holds;
  const verdict = Number.isFinite(most) ? `, at most ${most}×: ${holds ? "holds" : "MISSED"}` : "";
  console.log(`${name.padEnd(42)}${us(jsonUs)}${us(oursUs)}   ${ratio.toFixed(2)}×${verdict}`);
}

console.log(`${"".padEnd(42)}${"JSON".padStart(12)}${"rich".padStart(12)}   ratio`);
for (const [name, value] of Object.entries(values)) {
  const text = JSON.stringify(rich.serialize(value));
  const isPlain = text === JSON.stringify(value);
  row(
    `encode ${name} (${text.length} B)`,
    () => JSON.stringify(value),
    () => JSON.stringify(rich.serialize(value)),
    isPlain && text.length > 9_000 ? atMost.encode : undefined,
  );
  row(
    `decode ${name}`,
    () => JSON.parse(text),
    () => rich.deserialize(JSON.parse(text)),
    isPlain ? atMost.decode : undefined,
  );
}
if (assert && !good) process.exitCode = 1;
