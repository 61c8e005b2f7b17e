import { type BinaryCodec, binaryCodec } from "./codec.ts";
import { TautlineError } from "./errors.ts";

/** A tRPC transformer, as whoever makes calls uses it. */
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

/** What reads binary frames, where the transformer carries bytes. */
export function readBinaryCodec(transformer: Transformer | undefined): BinaryCodec | undefined {
  return (transformer?.output as { readonly [binaryCodec]?: BinaryCodec } | undefined)?.[binaryCodec];
}

/** A value as it was meant. @throws what the transformer throws. */
export function readOutput(value: unknown, transformer: Transformer | undefined): unknown {
  return value === undefined || transformer === undefined ? value : transformer.output.deserialize(value);
}

/** The error that a shape stands for, read by the transformer where it can. */
export function readError(shape: unknown, transformer: Transformer | undefined): TautlineError {
  try {
    return TautlineError.fromShape(readOutput(shape, transformer));
  } catch {
    return TautlineError.fromShape(shape);
  }
}
