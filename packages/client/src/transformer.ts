/** A tRPC transformer's client half. */
export interface Transformer {
  readonly input: { serialize(value: unknown): unknown };
  readonly output: { deserialize(value: unknown): unknown };
}

/** What a tRPC router's `transformer` may be: the same for both directions, or one for each. */
export type TransformerOption =
  | Transformer
  | { serialize(value: unknown): unknown; deserialize(value: unknown): unknown };

export function readTransformer(transformer: TransformerOption | undefined): Transformer | undefined {
  return transformer === undefined || "input" in transformer
    ? transformer
    : { input: transformer, output: transformer };
}
