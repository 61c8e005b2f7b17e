import { type Contract, ContractError, type ContractProcedure, isProcedure } from "@tautline/core";
import type { CombinedDataTransformer } from "@trpc/server/unstable-core-do-not-import";
import { type Direction, type WireKind, wireKindsOf } from "./wire-kinds.ts";

interface Sample {
  readonly value: unknown;
  readonly isKept: (received: unknown) => boolean;
}

const samples: Readonly<Record<WireKind, Sample>> = {
  Date: { value: new Date(1), isKept: (received) => received instanceof Date && received.getTime() === 1 },
  bigint: { value: 2n ** 64n, isKept: (received) => received === 2n ** 64n },
  Map: { value: new Map([["key", 1]]), isKept: (received) => received instanceof Map && received.get("key") === 1 },
  Set: { value: new Set([1]), isKept: (received) => received instanceof Set && received.has(1) },
  NaN: { value: Number.NaN, isKept: Number.isNaN },
  bytes: {
    value: Uint8Array.of(1, 255),
    isKept: (received) => received instanceof Uint8Array && String(received) === "1,255",
  },
  "undefined in an array": {
    value: [undefined],
    isKept: (received) => Array.isArray(received) && received.length === 1 && received[0] === undefined,
  },
};

/**
 * Sends a sample of each kind of value that a contract's Zod schemas hold, and JSON loses, through a transformer.
 *
 * @param outputs what crosses of an output: what its schema gives, or as a client sends it, what the schema takes.
 * @throws {ContractError} with the path of the first procedure whose values would arrive as something else.
 */
export function checkTransformer(
  contract: Contract,
  transformer: CombinedDataTransformer,
  outputs: Direction = "output",
): void {
  const isKept = new Map<string, boolean>();
  const keeps = (kind: WireKind, direction: Direction): boolean => {
    const key = `${direction} ${kind}`;
    const kept = isKept.get(key) ?? survives(samples[kind], transformer[direction]);
    isKept.set(key, kept);
    return kept;
  };
  for (const [path, procedure] of proceduresOf(contract, "")) checkProcedure(path, procedure, outputs, keeps);
}

function checkProcedure(
  path: string,
  procedure: ContractProcedure,
  outputs: Direction,
  keeps: (kind: WireKind, direction: Direction) => boolean,
): void {
  for (const direction of ["input", "output"] as const) {
    const schema = procedure[direction];
    const side = direction === "input" ? "input" : outputs;
    for (const kind of schema === undefined ? [] : wireKindsOf(schema, side)) {
      if (keeps(kind, direction)) continue;
      const problem = `has ${kind} in its ${direction}, which the transformer of t does not keep`;
      throw new ContractError(path, `${problem}: create t with one that does, such as rich`);
    }
  }
}

function survives({ value, isKept }: Sample, transformer: CombinedDataTransformer[Direction]): boolean {
  try {
    return isKept(transformer.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value)))));
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
