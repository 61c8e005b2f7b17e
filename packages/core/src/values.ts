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

const same = (value: unknown): unknown => value;

/** How the values of an end's own calls are written and read. Undefined is left out of messages, and never transformed. */
export class Values implements Transformer {
  readonly input: Transformer["input"];
  readonly output: Transformer["output"];

  /** @param transformer default: values are sent as they are. */
  constructor(transformer: TransformerOption = { serialize: same, deserialize: same }) {
    const { input, output } = "input" in transformer ? transformer : { input: transformer, output: transformer };
    this.input = input;
    this.output = output;
  }

  /** What brings bytes into frames, where the transformer carries them. */
  get binaryCodec(): BinaryCodec | undefined {
    return (this.output as { readonly [binaryCodec]?: BinaryCodec })[binaryCodec];
  }

  /** A value as it is sent. @throws TautlineError `BAD_REQUEST` where the transformer does not take it. */
  write(value: unknown): unknown {
    try {
      return value === undefined ? value : this.input.serialize(value);
    } catch (cause) {
      throw TautlineError.from(cause, "BAD_REQUEST", "unsendable value");
    }
  }

  /**
   * A value as it was meant.
   *
   * @param _path what it is an answer, or an item, of; for whoever checks it besides.
   * @throws what the transformer throws.
   */
  read(value: unknown, _path?: string): unknown {
    return value === undefined ? value : this.output.deserialize(value);
  }

  /** The error that a shape stands for, read by the transformer where it can. */
  readError(shape: unknown): TautlineError {
    try {
      return TautlineError.fromShape(this.read(shape));
    } catch {
      return TautlineError.fromShape(shape);
    }
  }
}
