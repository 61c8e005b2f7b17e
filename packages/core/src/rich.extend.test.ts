import { describe, expect, it } from "vitest";
import { TautlineError } from "./errors.ts";
import { rich } from "./rich.ts";
import { decode, refusal, sent } from "./testing/rich-wire.ts";

describe("rich.extend", () => {
  class Money {
    readonly cents: bigint;
    constructor(cents: bigint) {
      this.cents = cents;
    }
    toJSON(): string {
      return `${this.cents} cents`;
    }
  }

  const withMoney = rich.extend({
    name: "money",
    is: (value) => value instanceof Money,
    encode: (money) => money.cents,
    decode(json) {
      if (typeof json !== "bigint") throw new Error("no cents");
      return new Money(json);
    },
  });

  it("carries one more kind, whose encoding may be rich itself", () => {
    expect(JSON.stringify(withMoney.serialize([new Money(5n)]))).toBe('{"$rich":[{"$money":{"$bigint":"5"}}]}');
    expect(sent([new Money(5n), new Date(0)], withMoney)).toStrictEqual([new Money(5n), new Date(0)]);
  });

  it("leaves the transformer it extends as it was", () => {
    expect(sent(new Money(5n))).toBe("5 cents");
    expect(refusal(() => decode('{"$rich":{"$money":{"$bigint":"5"}}}')).message).toBe("unknown rich value $money");
  });

  it("asks the newest kind first, before the built-in ones", () => {
    class Moment extends Date {}
    const withMoment = withMoney.extend({
      name: "moment",
      is: (value) => value instanceof Moment,
      encode: (moment) => moment.getTime(),
      decode: (json) => new Moment(Number(json)),
    });
    expect(sent([new Moment(5), new Date(5), new Money(1n)], withMoment)).toStrictEqual([
      new Moment(5),
      new Date(5),
      new Money(1n),
    ]);
  });

  it("makes what its decode throws a BAD_REQUEST, with the cause; a TautlineError stays", () => {
    const broken = refusal(() => withMoney.deserialize({ $rich: { $money: "5" } }));
    expect(broken).toMatchObject({ code: "BAD_REQUEST", cause: new Error("no cents") });
    const picky = rich.extend({
      name: "picky",
      is: (value): value is WeakKey => value instanceof WeakMap,
      encode: () => 0,
      decode: () => {
        throw new TautlineError({ code: "FORBIDDEN" });
      },
    });
    expect(refusal(() => picky.deserialize({ $rich: { $picky: 0 } })).code).toBe("FORBIDDEN");
  });

  it.each(["date", "undefined", "rich", "bytes", "int8array", "dataview", "", "$a", "a-b", "1a", "a\n"])(
    "refuses the name %j",
    (name) => {
      const kind = { name, is: (_value: unknown): _value is Date => false, encode: String, decode: () => new Date() };
      expect(() => rich.extend(kind)).toThrow(TypeError);
    },
  );
});
