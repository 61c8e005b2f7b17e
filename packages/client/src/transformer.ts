import type { ClientTransformer } from "./caller.ts";

/** What a tRPC router's `transformer` may be: the same for both directions, or one for each. */
export type TransformerOption =
  | ClientTransformer
  | { serialize(value: unknown): unknown; deserialize(value: unknown): unknown };

const identity: ClientTransformer = {
  input: { serialize: (value) => value },
  output: { deserialize: (value) => value },
};

export function readTransformer(transformer: TransformerOption | undefined): ClientTransformer {
  if (transformer === undefined) return identity;
  return "input" in transformer ? transformer : { input: transformer, output: transformer };
}
