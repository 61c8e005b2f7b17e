import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Contract, contract, findProcedure, isProcedure, mutation, query, subscription } from "./contract.ts";
import { ContractError, checkContract } from "./contract-check.ts";

const history = query({ input: z.string(), output: z.array(z.string()), meta: { audience: "all" } });
const send = mutation({ input: z.string(), idempotent: true });
const messages = subscription({ output: z.string(), tracked: true });

/** As a contract that TypeScript did not look at. */
function untyped(value: unknown): Contract {
  return value as Contract;
}

function problemOf(value: unknown): { path: string; message: string } {
  try {
    checkContract(contract(untyped(value)));
  } catch (error) {
    if (error instanceof ContractError) return { path: error.path, message: error.message };
    throw error;
  }
  throw new Error("the contract was not refused");
}

describe("contract", () => {
  const api = contract({ chat: { history, send }, live: { deep: { messages } } });

  test("keeps its procedures as they were defined", () => {
    expect(api.chat.history).toBe(history);
    expect(history).toMatchObject({ type: "query", meta: { audience: "all" } });
    expect(send).toMatchObject({ type: "mutation", idempotent: true });
    expect(messages).toMatchObject({ type: "subscription", tracked: true });
  });

  test("keeps only what was given: a part that was left out is no key, and reads as undefined", () => {
    expect(Object.keys(query())).toEqual(["type"]);
    expect(Object.keys(send).sort()).toEqual(["idempotent", "input", "type"]);
    expect(Object.keys(messages).sort()).toEqual(["output", "tracked", "type"]);
    expect([send.output, messages.input]).toEqual([undefined, undefined]);
  });

  test("takes another contract as a part", () => {
    const whole = contract({ parts: api });
    expect(findProcedure(whole, "parts.live.deep.messages")).toBe(messages);
  });

  test.each(["then", "call", "apply"])("refuses the name %s at any depth", (name) => {
    expect(problemOf({ chat: { [name]: history } })).toEqual({
      path: `chat.${name}`,
      message: `"chat.${name}" uses the reserved name "${name}"`,
    });
    expect(problemOf({ [name]: { history } }).path).toBe(name);
  });

  test("refuses connection at the top alone", () => {
    expect(problemOf({ connection: history }).path).toBe("connection");
    expect(contract({ database: { connection: history } }).database.connection).toBe(history);
  });

  test("refuses __proto__, dots, symbols and empty names", () => {
    expect(problemOf({ ["__proto__"]: history }).message).toBe('"__proto__" uses the reserved name "__proto__"');
    expect(problemOf({ chat: { "a.b": history } }).message).toContain('a dot in the name "a.b"');
    expect(problemOf({ chat: { [Symbol("s")]: history } }).message).toContain("symbol");
    expect(problemOf({ chat: { "": history } }).message).toBe('"chat" has a procedure with an empty name');
    expect(problemOf({ "": history }).message).toBe("The contract has a procedure with an empty name");
  });

  test.each([undefined, null, 1, "query", [history], () => history, z.string()])(
    "refuses %s as a procedure",
    (value) => {
      expect(problemOf({ chat: { wrong: value } })).toEqual({
        path: "chat.wrong",
        message: '"chat.wrong" is neither a procedure nor a record of procedures',
      });
    },
  );

  test("refuses what is not a record at the top", () => {
    expect(problemOf(undefined).message).toBe("The contract is neither a procedure nor a record of procedures");
  });

  test("refuses schemas that are not Standard Schema, saying which", () => {
    const noSchema = { parse: () => 1 } as unknown as z.ZodString;
    expect(problemOf({ a: { b: query({ input: noSchema }) } }).message).toBe(
      '"a.b" has an input that is not a Standard Schema',
    );
    expect(problemOf({ a: query({ output: noSchema }) }).message).toBe(
      '"a" has an output that is not a Standard Schema',
    );
  });
});

describe("findProcedure", () => {
  const api = contract({ chat: { history }, toString: { send } });

  test("finds procedures by their path", () => {
    expect(findProcedure(api, "chat.history")).toBe(history);
    expect(findProcedure(api, "toString.send")).toBe(send);
  });

  test("finds nothing at records, wrong paths, prototype names or inside procedures", () => {
    const paths = ["", ".", "chat", "chat.", ".chat", "chat.nothing", "chat.history.input", "chat.history.type"];
    const prototypeNames = ["__proto__", "constructor", "chat.constructor", "chat.hasOwnProperty", "chat.__proto__.x"];
    for (const path of [...paths, ...prototypeNames]) expect(findProcedure(api, path)).toBe(undefined);
  });

  test("looks at own names only in a record that was not made by contract()", () => {
    expect(findProcedure(untyped(Object.create({ inherited: history })), "inherited")).toBe(undefined);
  });
});

describe("isProcedure", () => {
  test("knows procedures from records and schemas", () => {
    expect(isProcedure(history)).toBe(true);
    expect(isProcedure({ history })).toBe(false);
    expect(isProcedure({ type: history })).toBe(false);
    expect(isProcedure(z.string())).toBe(false);
    expect(isProcedure(undefined)).toBe(false);
  });
});
