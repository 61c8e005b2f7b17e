import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import * as messageType from "./message-type.ts";
import {
  badMessage,
  callType,
  isCalleeMessage,
  isPeerMessage,
  isSessionMessage,
  procedureType,
  readMessage,
} from "./protocol.ts";

const { firstExtension, ...types } = messageType;
type MessageName = keyof typeof types;

/** One message of each type, with every field that it can have. */
const whole: Readonly<Record<MessageName, readonly unknown[]>> = {
  hello: [0, 1, { params: { token: "t" }, client: "c", token: "t", received: 3, attempt: 2, serves: true }],
  welcome: [1, { token: "t", received: 3, windowMs: 60_000, store: "s" }],
  refused: [2, { message: "no" }],
  ping: [3, 0],
  pong: [4, 7],
  ack: [5, 2 ** 53 - 1],
  goaway: [6, 2_500],
  auth: [7, { token: "t" }],
  authenticated: [8, { message: "no" }],
  query: [10, 1, "a.b", {}, { input: true }],
  mutation: [11, 1, "a.b", { firstId: 1, store: "s", ageMs: 0 }, null],
  subscription: [12, 1, "a.b", { lastEventId: "e" }, 0],
  cancel: [13, 1, "TIMEOUT"],
  upItem: [14, 1, 2, "value"],
  upEnd: [15, 1, 2, { message: "no" }],
  downCredit: [16, 1, 0, 4_096],
  downStop: [17, 1, 2, "TIMEOUT"],
  upPart: [18, 1, 0, 200_000, "[10,1"],
  result: [20, 1, "value"],
  error: [21, 1, { message: "no" }],
  started: [22, 1],
  item: [23, 1, []],
  trackedItem: [24, 1, "e", false],
  end: [25, 1],
  event: [26, 1, "e", 0],
  declined: [27, 1],
  downItem: [28, 1, 2, "value"],
  downEnd: [29, 1, 2, { message: "no" }],
  upCredit: [30, 1, 2, 4_096, 0],
  upStop: [31, 1, 2, "TIMEOUT"],
  downPart: [32, 1, 2, 200_000, "[28,1"],
  gap: [33, 1, "e3", "e7"],
  channel: [34, 1, 0, true],
  channelEvent: [35, 1, "e4", { a: 1 }],
};

const counts: readonly unknown[] = [
  -1,
  1.5,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  "1",
  "",
  "x".repeat(1_000_000),
  {},
  [],
  null,
  true,
];
const ids = [0, ...counts];
const notStrings: readonly unknown[] = [0, null, true, {}, ["a"]];
const notBooleans: readonly unknown[] = [0, 1, null, "true", {}, [true]];
const notFields: readonly unknown[] = [0, null, true, "a", []];
const fieldsWith = (name: string, values: readonly unknown[]): readonly unknown[] =>
  values.map((value) => ({ [name]: value }));
const tokens = fieldsWith("token", notStrings);
const received = fieldsWith("received", counts);
const callFields = [
  ...fieldsWith("lastEventId", notStrings),
  ...fieldsWith("firstId", ids),
  ...fieldsWith("store", notStrings),
  ...fieldsWith("ageMs", counts),
];
const call = [ids, notStrings, [...notFields, ...callFields]];

/** For each type, what each field must not be. Each list also holds that the field may not be left out. */
const wrong: Readonly<Record<MessageName, readonly (readonly unknown[])[]>> = {
  hello: [
    [1.5, "1", null, {}, 2 ** 53, Number.POSITIVE_INFINITY],
    [
      ...notFields,
      ...tokens,
      ...received,
      ...fieldsWith("client", notStrings),
      ...fieldsWith("attempt", counts),
      ...fieldsWith("serves", notBooleans),
    ],
  ],
  welcome: [
    [...notFields, ...tokens, ...received, ...fieldsWith("windowMs", counts), ...fieldsWith("store", notStrings)],
  ],
  refused: [[]],
  ping: [counts],
  pong: [counts],
  ack: [counts],
  goaway: [counts],
  auth: [[]],
  authenticated: [],
  query: call,
  mutation: call,
  subscription: call,
  cancel: [ids],
  upItem: [ids, ids],
  upEnd: [ids, ids],
  downCredit: [ids, counts, ids],
  downStop: [ids, ids],
  upPart: [ids, counts, ids, notStrings],
  result: [ids],
  error: [ids, []],
  started: [ids],
  item: [ids],
  trackedItem: [ids, notStrings],
  end: [ids],
  event: [ids, notStrings],
  declined: [ids],
  downItem: [ids, ids],
  downEnd: [ids, ids],
  upCredit: [ids, ids, ids, counts],
  upStop: [ids, ids],
  downPart: [ids, counts, ids, notStrings],
  gap: [ids, notStrings, notStrings],
  channel: [ids, counts],
  channelEvent: [ids, notStrings],
};

const names = Object.keys(types) as MessageName[];

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof TautlineError ? thrown.code : "not a TautlineError";
  }
  return undefined;
}

describe("readMessage", () => {
  test.each(names)("takes a %s as it is, and ignores fields that version 1 does not know", (name) => {
    const message = whole[name];
    expect(readMessage(message, everyMessage)).toBe(message);
    const padded: unknown[] = [...message, ...Array<null>(5 - message.length + 1).fill(null), "more", {}];
    if (name === "cancel") padded[2] = "TIMEOUT";
    if (name === "downCredit") padded[4] = 0;
    expect(readMessage(padded, everyMessage)).toBe(padded);
  });

  test.each(names)("takes a %s with only the fields that it must have", (name) => {
    const message = whole[name].slice(0, wrong[name].length + 1);
    expect(readMessage(message, everyMessage)).toBe(message);
  });

  test.each(names)("refuses a %s that lacks a field", (name) => {
    for (let length = 1; length <= wrong[name].length; length++) {
      expect(codeOf(() => readMessage(whole[name].slice(0, length), everyMessage))).toBe("BAD_MESSAGE");
    }
  });

  test.each(names)("refuses a %s with any field of the wrong kind", (name) => {
    for (const [index, values] of wrong[name].entries()) {
      for (const value of values) {
        const message = whole[name].with(index + 1, value);
        expect([message, codeOf(() => readMessage(message, everyMessage))]).toEqual([message, "BAD_MESSAGE"]);
      }
    }
  });

  test("refuses a cancel whose code is no string", () => {
    for (const code of notStrings) expect(codeOf(() => readMessage([13, 1, code], everyMessage))).toBe("BAD_MESSAGE");
  });

  test("refuses credit of which what was taken is no count", () => {
    for (const taken of counts)
      expect(codeOf(() => readMessage([16, 1, 2, 4_096, taken], everyMessage))).toBe("BAD_MESSAGE");
  });

  test("takes every value, null included, where a message carries a value", () => {
    for (const value of [null, 0, "", false, [], {}]) {
      for (const message of [
        [20, 1, value],
        [23, 1, value],
        [24, 1, "e", value],
        [26, 1, "e", value],
        [10, 1, "a", {}, value],
        [2, value],
        [21, 1, value],
      ]) {
        expect(readMessage(message, everyMessage)).toBe(message);
      }
    }
  });

  test("ignores a message of an extension, whatever it holds", () => {
    for (const message of [[firstExtension], [64, -1, null], [100, {}], [Number.MAX_SAFE_INTEGER]]) {
      expect(readMessage(message, everyMessage)).toBeUndefined();
    }
  });

  test("refuses a type below 64 that version 1 does not have", () => {
    const known: ReadonlySet<number> = new Set(Object.values(types));
    const unknown = Array.from({ length: firstExtension }, (_, type) => type).filter((type) => !known.has(type));
    for (const type of unknown)
      expect([type, codeOf(() => readMessage([type, 1], everyMessage))]).toEqual([type, "BAD_MESSAGE"]);
  });

  test("refuses what is no array or starts with no type", () => {
    const others = [
      null,
      1,
      "10",
      true,
      {},
      { 0: 25, 1: 1, length: 2 },
      [],
      [[]],
      ["10"],
      [-1],
      [1.5],
      [2 ** 53],
      [null],
    ];
    for (const value of others) expect(codeOf(() => readMessage(value, everyMessage))).toBe("BAD_MESSAGE");
  });
});

describe("the types of messages", () => {
  test("tell peers' messages from the connection's own", () => {
    const peers = names.filter((name) => isPeerMessage(readMessage(whole[name], everyMessage) ?? [1, {}]));
    expect(names.filter((name) => !peers.includes(name))).toEqual([
      "hello",
      "welcome",
      "refused",
      "ping",
      "pong",
      "ack",
      "goaway",
      "auth",
      "authenticated",
    ]);
  });

  test("tell what a session takes from what its connection does", () => {
    const control = names.filter((name) => !isSessionMessage(readMessage(whole[name], everyMessage) ?? [1, {}]));
    expect(control).toEqual(["hello", "welcome", "refused", "goaway", "auth", "authenticated"]);
  });

  test("tell a caller's messages from a callee's", () => {
    const messages = names
      .map((name) => readMessage(whole[name], everyMessage) ?? ([1, {}] as const))
      .filter(isPeerMessage);
    expect(messages.filter((message) => !isCalleeMessage(message)).map(([type]) => type)).toEqual([
      10, 11, 12, 13, 14, 15, 16, 17, 18,
    ]);
  });

  test("name the type of procedure that a call is for", () => {
    for (const type of ["query", "mutation", "subscription"] as const) expect(procedureType(callType[type])).toBe(type);
  });
});

test("badMessage makes a BAD_MESSAGE", () => {
  expect(badMessage("why")).toMatchObject({ name: "TautlineError", code: "BAD_MESSAGE", message: "why" });
});
