/** What was sent, by what it is with an id added to it. */
const sentInputs = new WeakMap<object, { readonly input: unknown }>();

/**
 * The input of a subscription that goes on after an event, with the id of that, as in tRPC: procedures find it where they look for it.
 * What is no plain object has no place for it, and stays as it is.
 */
export function addLastEventId(input: unknown, lastEventId: string): unknown {
  if (input !== undefined && input !== null && !isPlain(input)) return input;
  const resumed = { ...input, lastEventId };
  sentInputs.set(resumed, { input });
  return resumed;
}

/** What was sent, where an id was added to it: for schemas that do not take one. */
export function sentInputOf(resumed: unknown): { readonly input: unknown } | undefined {
  return typeof resumed === "object" && resumed !== null ? sentInputs.get(resumed) : undefined;
}

function isPlain(input: unknown): input is object {
  if (typeof input !== "object" || input === null) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === Object.prototype || prototype === null;
}
