import { runInThisContext } from "node:vm";
import { expect, test } from "vitest";
import { destructuredNames } from "./destructured-names.ts";

type Options = Record<string, unknown>;

test.each<[(options: never) => unknown, string[]]>([
  [() => 1, []],
  [async () => 1, []],
  [({ ctx }: Options) => ctx, ["ctx"]],
  [async ({ ctx: context, input }: Options) => [context, input], ["ctx", "input"]],
  [({ a, signal: b }: Options) => [a, b], ["a", "signal"]],
])("an arrow function that destructures plainly reads only what it names: %s", (handler, names) => {
  expect([...(destructuredNames(handler) ?? ["unknown"])]).toEqual(names);
});

test.each<[(...args: never[]) => unknown]>([
  [(options: Options) => options],
  [({ ctx, ...rest }: Options) => [ctx, rest]],
  [({ ctx = 1 }: Options) => ctx],
  [({ ctx: { user } }: { ctx: Options }) => user],
  [({ ["signal"]: signal }: Options) => signal],
  [(...all: Options[]) => all],
  [
    function named({ ctx }: Options) {
      return [ctx, arguments];
    },
  ],
  [
    async function* items({ ctx }: Options) {
      yield ctx;
    },
  ],
  [
    {
      method(this: void, { ctx }: Options) {
        return ctx;
      },
    }.method,
  ],
  [(({ ctx }: Options) => ctx).bind(null)],
  [new Proxy(({ ctx }: Options) => ctx, {})],
])("nothing is known of any other function: %s", (handler) => {
  expect(destructuredNames(handler)).toBeUndefined();
});

test.each(["({ s\\u0069gnal }) => signal", "({ /* } */ signal }) => signal", "({ a, }, { signal }) => a"])(
  "nothing is known of a function that hides what it reads: %s",
  (source) => {
    // Compiled at run time, as the test's own transform would make them plain.
    const handler: unknown = runInThisContext(source);
    expect(typeof handler === "function" && destructuredNames(handler as () => unknown)).toBeUndefined();
  },
);
