/** What happens when a path such as `chat.send.mutate` is called. */
export type OnPathCall = (path: string, method: string, args: readonly unknown[]) => unknown;

// Functions are callable, and a proxy of one is too.
const target = (): void => {};

/**
 * A proxy on which any path can be called. Each step is made once, so that calling a procedure again costs a look-up. A promise that
 * it is handed to finds no `then`.
 *
 * @param steps what is there already, by name.
 */
export function createPathProxy(
  onCall: OnPathCall,
  steps: Map<string, unknown> = new Map(),
  parent = "",
  name = "",
): unknown {
  const path = parent === "" ? name : `${parent}.${name}`;
  return new Proxy(target, {
    get(_target, key) {
      if (typeof key !== "string" || key === "then") return undefined;
      if (!steps.has(key)) steps.set(key, createPathProxy(onCall, new Map(), path, key));
      return steps.get(key);
    },
    apply: (_target, _self, args) => onCall(parent, name, args),
  });
}
