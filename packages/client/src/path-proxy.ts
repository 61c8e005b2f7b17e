/** What happens when a path such as `chat.send.mutate` is called. */
export type OnPathCall = (path: string, method: string, args: readonly unknown[]) => unknown;

// Functions are callable, and a proxy of one is too.
const target = (): void => {};

/**
 * A proxy on which any path can be called; `own` holds what is no path. Each step is made once, so that calling a procedure
 * again costs a look-up. A promise that it is handed to finds no `then`.
 */
export function createPathProxy(onCall: OnPathCall, own: ReadonlyMap<string, unknown> = new Map()): unknown {
  return createStep("", "", onCall, own);
}

function createStep(parent: string, name: string, onCall: OnPathCall, own: ReadonlyMap<string, unknown>): unknown {
  const path = parent === "" ? name : `${parent}.${name}`;
  const steps = new Map<string, unknown>();
  return new Proxy(target, {
    get(_target, key) {
      if (typeof key !== "string" || key === "then") return undefined;
      if (own.has(key)) return own.get(key);
      let step = steps.get(key);
      if (step === undefined) {
        step = createStep(path, key, onCall, noOwn);
        steps.set(key, step);
      }
      return step;
    },
    apply: (_target, _self, args) => onCall(parent, name, args),
  });
}

const noOwn: ReadonlyMap<string, unknown> = new Map();
