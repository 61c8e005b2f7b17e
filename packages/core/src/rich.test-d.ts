import { expectTypeOf, it } from "vitest";
import { type Rich, rich } from "./rich.ts";

class Money {
  readonly cents: number = 0;
}

it("infers an extension's type from its predicate", () => {
  const extended = rich.extend({
    name: "money",
    is: (value) => value instanceof Money,
    encode(money) {
      expectTypeOf(money).toEqualTypeOf<Money>();
      return money.cents;
    },
    decode(json) {
      expectTypeOf(json).toEqualTypeOf<unknown>();
      return new Money();
    },
  });
  expectTypeOf(extended).toEqualTypeOf<Rich>();
});

it("refuses an extension that decodes to another type", () => {
  const kind = { name: "money", is: (value: unknown): value is Money => value instanceof Money, encode: String };
  // @ts-expect-error -- a number is no Money
  expectTypeOf(rich.extend<Money>({ ...kind, decode: Number })).toEqualTypeOf<Rich>();
});

it("gives and takes unknown", () => {
  expectTypeOf(rich.serialize).toEqualTypeOf<(value: unknown) => unknown>();
  expectTypeOf(rich.deserialize).toEqualTypeOf<(value: unknown) => unknown>();
});
