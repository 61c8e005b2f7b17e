/** Whether `await` would wait for the value. Reads `then`, which may throw. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  return "then" in value && typeof value.then === "function";
}

/**
 * The same value; as a promise where it is one, which may then reject unheard: of an item that is skipped, say, or whose subscriber
 * leaves before it is taken. Asks once: some only begin when they are asked.
 */
export function unheard(value: unknown): unknown {
  if (!isThenable(value)) return value;
  const promise = Promise.resolve(value);
  promise.then(undefined, () => {});
  return promise;
}
