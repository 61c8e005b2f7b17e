import { type Contract, ContractError, type ContractProcedure, isProcedure } from "@tautline/core";
import { streamsOf } from "@tautline/core/internals";
import type { CombinedDataTransformer } from "@trpc/server/unstable-core-do-not-import";
import { type Direction, type WireKind, wireKindsOf } from "./wire-kinds.ts";

type Half = CombinedDataTransformer[Direction];

/** Whether one half of a transformer keeps each kind of value. May throw: then it does not. */
const keeps: Readonly<Record<WireKind, (half: Half) => boolean>> = {
  Date: (half) => isKept(half, new Date(1), (received) => received instanceof Date && received.getTime() === 1),
  bigint: (half) => isKept(half, 2n ** 64n, (received) => received === 2n ** 64n),
  Map: (half) =>
    isKept(half, new Map([["key", 1]]), (received) => received instanceof Map && received.get("key") === 1),
  Set: (half) => isKept(half, new Set([1]), (received) => received instanceof Set && received.has(1)),
  NaN: (half) => isKept(half, Number.NaN, Number.isNaN),
  "undefined in an array": (half) => {
    const isHole = (received: unknown): boolean =>
      Array.isArray(received) && received.length === 1 && received[0] === undefined;
    return isKept(half, [undefined], isHole);
  },
  bytes: (half) => isKept(half, Uint8Array.of(1), (received) => received instanceof Uint8Array && received[0] === 1),
  // Its items do not travel in the value: it is enough that they are found there.
  "a stream": (half) => streamsOf(half.serialize(noItems())) !== undefined,
};

function isKept(half: Half, value: unknown, isSame: (received: unknown) => boolean): boolean {
  return isSame(half.deserialize(JSON.parse(JSON.stringify(half.serialize(value)))));
}

async function* noItems(): AsyncGenerator<never> {}

/**
 * Sends a sample of each kind of value that a contract's Zod schemas, `stream` and `bytes` hold, and JSON loses, through a transformer.
 *
 * @param outputs what crosses of an output: what its schema gives, or as a client sends it, what the schema takes.
 * @throws {ContractError} with the path of the first procedure whose values would arrive as something else.
 */
export function checkTransformer(
  contract: Contract,
  transformer: CombinedDataTransformer,
  outputs: Direction = "output",
): void {
  const known = new Map<string, boolean>();
  const survives = (kind: WireKind, direction: Direction): boolean => {
    const key = `${direction} ${kind}`;
    const survived = known.get(key) ?? tryKind(kind, transformer[direction]);
    known.set(key, survived);
    return survived;
  };
  for (const [path, procedure] of proceduresOf(contract, "")) checkProcedure(path, procedure, outputs, survives);
}

function checkProcedure(
  path: string,
  procedure: ContractProcedure,
  outputs: Direction,
  survives: (kind: WireKind, direction: Direction) => boolean,
): void {
  for (const direction of ["input", "output"] as const) {
    const schema = procedure[direction];
    const side = direction === "input" ? "input" : outputs;
    for (const kind of schema === undefined ? [] : wireKindsOf(schema, side)) {
      if (survives(kind, direction)) continue;
      const problem = `has ${kind} in its ${direction}, which the transformer of t does not keep`;
      throw new ContractError(path, `${problem}: create t with one that does, such as rich`);
    }
  }
}

function tryKind(kind: WireKind, half: Half): boolean {
  try {
    return keeps[kind](half);
  } catch {
    return false;
  }
}

function* proceduresOf(contract: Contract, prefix: string): Generator<readonly [path: string, ContractProcedure]> {
  for (const [name, child] of Object.entries(contract)) {
    if (isProcedure(child)) yield [prefix + name, child];
    else yield* proceduresOf(child, `${prefix}${name}.`);
  }
}
