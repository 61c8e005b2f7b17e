/** `({ a, b: c }) =>` or `() =>`, with or without `async`; no rest, defaults, nesting or comments. */
const flatArrow =
  /^(?:async\s*)?\(\s*(?:\{\s*([\w$]+(?:\s*:\s*[\w$]+)?(?:\s*,\s*[\w$]+(?:\s*:\s*[\w$]+)?)*)?\s*,?\s*\})?\s*,?\s*\)\s*=>/;

/**
 * The properties that a function can read of its first argument, when its source text proves them all; else undefined.
 * Only an arrow function that destructures plainly proves anything: it has no other way to reach the argument.
 */
export function destructuredNames(handler: (...args: never) => unknown): ReadonlySet<string> | undefined {
  const match = flatArrow.exec(Function.prototype.toString.call(handler));
  if (match === null) return undefined;
  const names = match[1]?.split(",").map((entry) => entry.replace(/:.*/s, "").trim());
  return new Set(names);
}
