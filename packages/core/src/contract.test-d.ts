import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  type Contract,
  type ContractMutation,
  type ContractQuery,
  type ContractSubscription,
  contract,
  type inferContractInput,
  type inferContractInputs,
  type inferContractOutputs,
  mutation,
  query,
  subscription,
  type TrackedItem,
} from "./contract.ts";

const api = contract({
  chat: {
    history: query({ input: z.object({ room: z.string() }), output: z.array(z.object({ at: z.date() })) }),
    send: mutation({ input: z.object({ text: z.string().default("") }) }),
    count: query({ input: z.coerce.number().optional(), output: z.string().transform((text) => text.length) }),
    messages: subscription({ output: z.object({ text: z.string() }) }),
    log: subscription({ output: z.string(), tracked: true }),
  },
});
type Inputs = inferContractInputs<typeof api>;
type Outputs = inferContractOutputs<typeof api>;

describe("a contract's types", () => {
  test("the input is what the schema takes, before defaults and transforms", () => {
    expectTypeOf<Inputs["chat"]["history"]>().toEqualTypeOf<{ room: string }>();
    expectTypeOf<Inputs["chat"]["send"]>().toEqualTypeOf<{ text?: string | undefined }>();
  });

  test("an input that may be undefined may be left out, and none at all is void", () => {
    const optional = query({ input: z.string().optional() });
    expectTypeOf<inferContractInput<typeof optional>>().toEqualTypeOf<string | undefined | void>();
    expectTypeOf<Inputs["chat"]["messages"]>().toEqualTypeOf<void>();
  });

  test("the output is what the schema gives; nothing without one", () => {
    expectTypeOf<Outputs["chat"]["history"]>().toEqualTypeOf<{ at: Date }[]>();
    expectTypeOf<Outputs["chat"]["count"]>().toEqualTypeOf<number>();
    expectTypeOf<Outputs["chat"]["send"]>().toEqualTypeOf<void>();
  });

  test("a schema that was left out is none, inside a contract and outside", () => {
    const inside = contract({ a: { q: query(), m: mutation({}), s: subscription() } });
    expectTypeOf(inside.a.q).toEqualTypeOf<ContractQuery<undefined, undefined>>();
    expectTypeOf(inside.a.m).toEqualTypeOf<ContractMutation<undefined, undefined>>();
    expectTypeOf(inside.a.s).toEqualTypeOf<ContractSubscription<undefined, undefined, false>>();
    expectTypeOf(query()).toEqualTypeOf<ContractQuery<undefined, undefined>>();
    expectTypeOf(inside).toExtend<Contract>();
  });

  test("a subscription's output is its item, with an id where it is tracked", () => {
    expectTypeOf<Outputs["chat"]["messages"]>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<Outputs["chat"]["log"]>().toEqualTypeOf<TrackedItem<string>>();
  });

  test("only procedures and records of them make a contract", () => {
    contract({
      // @ts-expect-error a schema is no procedure
      wrong: z.string(),
    });
    // @ts-expect-error not a Standard Schema
    query({ input: { parse: (value: unknown) => value } });
    // @ts-expect-error queries are not tracked
    query({ tracked: true });
  });
});
