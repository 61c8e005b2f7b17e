import { TautlineError } from "../errors.ts";
import { rich } from "../rich.ts";

/** What the other side receives: through JSON's text, in a message that leaves out an undefined value. */
export function sent(value: unknown, transformer: Pick<typeof rich, "serialize" | "deserialize"> = rich): unknown {
  const message = JSON.parse(JSON.stringify({ value: transformer.serialize(value) })) as { value?: unknown };
  return transformer.deserialize(message.value);
}

export function wire(value: unknown): string {
  return JSON.stringify(rich.serialize(value));
}

export function decode(json: string): unknown {
  return rich.deserialize(JSON.parse(json));
}

export function refusal(run: () => unknown): TautlineError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof TautlineError) return thrown;
    throw thrown;
  }
  throw new Error("was not refused");
}

/** Objects in objects, `levels` of them. */
export function nested(levels: number, innermost: unknown = 0): unknown {
  let value = innermost;
  for (let level = 0; level < levels; level++) value = { in: value };
  return value;
}
