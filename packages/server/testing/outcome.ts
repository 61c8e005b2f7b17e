import { isObservable } from "@trpc/server/observable";
import { toTRPCError } from "../src/trpc-error.ts";
import { snapshot } from "./recorder.ts";

/** What a call came to, in a form that two calls can be compared by. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Runs a call to its end: a subscription's items are read, too. */
export async function outcomeOf(call: () => unknown): Promise<Outcome> {
  try {
    return { value: await readAll(await call()) };
  } catch (thrown) {
    return { error: describeError(thrown) };
  }
}

async function readAll(result: unknown): Promise<unknown> {
  if (isObservable(result)) return { observed: observe(result) };
  if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) return result;
  const items: unknown[] = [];
  try {
    for await (const item of result as AsyncIterable<unknown>) items.push(item);
    return { items };
  } catch (thrown) {
    return { items, error: describeError(thrown) };
  }
}

/** The observables of the random resolvers emit all they have when they are subscribed to. */
function observe(source: { subscribe(observer: object): unknown }): unknown[] {
  const events: unknown[] = [];
  source.subscribe({
    next: (item: unknown) => events.push({ item }),
    error: (error: unknown) => events.push({ error: describeError(error) }),
    complete: () => events.push("complete"),
  });
  return events;
}

function describeError(thrown: unknown): object {
  const error = toTRPCError(thrown);
  return { code: error.code, name: error.name, message: error.message, cause: describeCause(error.cause) };
}

function describeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return snapshot(cause);
  const issues: unknown = "issues" in cause ? cause.issues : undefined;
  return {
    kind: cause.constructor.name,
    message: messageOf(cause),
    keys: Object.keys(cause).sort(),
    issues: snapshot(issues),
  };
}

function messageOf(error: Error): string {
  try {
    return error.message;
  } catch (thrown) {
    return `throws ${snapshot(thrown).split("\n", 1)[0]}`;
  }
}
