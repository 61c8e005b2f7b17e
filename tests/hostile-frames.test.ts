import { createClient } from "@tautline/client";
import type { TautlineServer } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, until } from "./fixture/cleanup.ts";
import { closing } from "./fixture/client.ts";
import { openGreeted, openRaw, type RawClient } from "./fixture/raw-client.ts";
import { startServer } from "./fixture/server.ts";
import { countingRouter, expectNoLeak, startWitness, type Witness } from "./fixture/witness.ts";

cleanUpAfterEach();

const t = initTRPC.create();
let inputs: unknown[] = [];
let running: AbortSignal[] = [];
const router = t.mergeRouters(
  countingRouter,
  t.router({
    echo: t.procedure
      .input((input: unknown) => input)
      .query(({ input }) => {
        inputs.push(input);
        return input;
      }),
    wait: t.procedure.mutation(({ signal }) => {
      if (signal !== undefined) running.push(signal);
      return new Promise<never>((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
      });
    }),
  }),
);

async function start(): Promise<{ server: TautlineServer; witness: Witness }> {
  inputs = [];
  running = [];
  const server = await startServer({ router, onError: () => {} });
  return { server, witness: await startWitness(server.url) };
}

/** Waits for the end of a connection, which is to be for this reason, and for the end of its calls. */
async function expectClosed(raw: RawClient, code: number): Promise<void> {
  const closed = await raw.closed;
  expect(closed).toMatchObject({ code });
  expect(closed.reason).not.toMatch(/secret|[.]ts/);
  expectNoLeak(raw);
  await until("its calls are aborted", () => running.every((signal) => signal.aborted));
}

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

const marked = '[10,2,"echo",{},{"$rich":{"$bytes":0}}]';

const malformed: readonly [what: string, frame: string | Buffer][] = [
  ["nothing", ""],
  ["blanks", " \n "],
  ["null", "null"],
  ["a number", "1"],
  ["a text", '"[]"'],
  ["an object", "{}"],
  ["no message", "[]"],
  ["JSON that is cut off", '[[10,2,"echo",{}'],
  ["no JSON", "hello"],
  ["two frames in one", "[[13,1]][[13,1]]"],
  ["a byte order mark", "\ufeff[[13,1]]"],
  ["a message that is null", "[null]"],
  ["a message that is a number", "[10]"],
  ["a message that is an object", '[{"0":10,"1":2}]'],
  ["an empty message", "[[]]"],
  ["a type that is null", "[[null,2]]"],
  ["a type that is a text", '[["10",2,"echo",{}]]'],
  ["a type named like a property", '[["constructor",2]]'],
  ["a type that is an array", '[[[10],2,"echo",{}]]'],
  ["a negative type", "[[-1]]"],
  ["a type with a fraction", '[[10.5,2,"echo",{}]]'],
  ["a type that is infinite", "[[1e999]]"],
  ["an unknown type below 64", "[[9]]"],
  ["another unknown type below 64", '[[63,2,"echo",{}]]'],
  ["a call without fields", '[[10,2,"echo"]]'],
  ["a call without a path", "[[10,2]]"],
  ["a call without anything", "[[10]]"],
  ["a path that is null", "[[10,2,null,{}]]"],
  ["a path that is a number", "[[10,2,5,{}]]"],
  ["a path that is an array", '[[10,2,["echo"],{}]]'],
  ["fields that are null", '[[10,2,"echo",null]]'],
  ["fields that are an array", '[[10,2,"echo",[]]]'],
  ["fields that are a text", '[[10,2,"echo","{}"]]'],
  ["a lastEventId that is a number", '[[12,2,"counter",{"lastEventId":5}]]'],
  ["a lastEventId that is null", '[[12,2,"counter",{"lastEventId":null}]]'],
  ["a cancel without an id", "[[13]]"],
  ["a cancel with a code that is a number", "[[13,1,5]]"],
  ...[
    "0",
    "-1",
    "1.5",
    "1e999",
    "9007199254740993",
    "9223372036854775808",
    '""',
    '"2"',
    "{}",
    "[2]",
    "null",
    "true",
  ].map((id): [string, string] => [`the id ${id}`, `[[10,${id},"echo",{}]]`]),
  ["an id that is a long text", `[[10,"${"2".repeat(1_000_000)}","echo",{}]]`],
  ["an id that is in use", '[[10,1,"echo",{}]]'],
  ["an id that was used", '[[10,5,"echo",{}],[10,5,"echo",{}]]'],
  ["an id below the last", '[[10,5,"echo",{}],[10,4,"echo",{}]]'],
  ["a second hello", "[[0,1,{}]]"],
  ["a welcome", "[[1,{}]]"],
  ["a refusal", "[[2,{}]]"],
  ["a result of no call", "[[20,1,5]]"],
  ["an error of no call", '[[21,1,{"message":"x"}]]'],
  ["a start of no call", "[[22,1]]"],
  ["an item of no call", "[[23,1,5]]"],
  ["a tracked item of no call", '[[24,1,"a",5]]'],
  ["an end of no call", "[[25,1]]"],
  ["65 levels", nested(65)],
  ["65 levels in an input", `[[10,2,"echo",{},${nested(63)}]]`],
  ["65 levels of objects", `[[10,2,"echo",{},${'{"a":'.repeat(63)}1${"}".repeat(63)}]]`],
  ["100,000 levels", nested(100_000)],
  ["100,000 levels that are not closed", "[".repeat(100_000)],
  ["65 levels in what is ignored", `[[64,${nested(63)}]]`],
  ["100,000 messages", `[${Array.from({ length: 100_000 }, () => "[13,1]").join()}]`],
  ["a text frame sent as a binary one", Buffer.from('[[10,2,"echo",{}]]')],
  ["an empty binary frame", Buffer.of()],
  ["a binary frame of half a head", Buffer.of(0, 0)],
  ["a binary frame whose JSON is longer than it", binaryFrame(`[${marked},1]`, 1, 4_000_000_000)],
  ["a binary frame whose JSON is longer than said", binaryFrame(`[${marked},1]`, 1, 10)],
  ["a binary frame whose JSON is shorter than said", binaryFrame(`[${marked},8]`, 8, marked.length + 8)],
  ["a binary frame with less than it says", binaryFrame(`[${marked},9]`, 8)],
  ["a binary frame with more than it says", binaryFrame(`[${marked},7]`, 8)],
  ["a binary frame with a negative length", binaryFrame(`[${marked},-1,9]`, 8)],
  ["a binary frame with a fraction of a length", binaryFrame(`[${marked},3.5,4.5]`, 8)],
  ["a binary frame with a length of 2^53", binaryFrame(`[${marked},9007199254740992]`, 8)],
  ["a binary frame with a length that is a text", binaryFrame(`[${marked},"8"]`, 8)],
  ["a binary frame of 1,025 attachments", binaryFrame(`[${marked}${",0".repeat(1025)}]`, 0)],
  ["a binary frame without attachments", binaryFrame(`[${marked}]`, 0)],
  ["a binary frame of two messages", binaryFrame(`[[${marked},${marked}],8]`, 8)],
  ["a binary frame without a value for its attachments", binaryFrame('[[10,2,"echo",{}],8]', 8)],
  ["a binary frame with attachments of hello", binaryFrame("[[0,1,{}],8]", 8)],
  ["a binary frame of 65 levels", binaryFrame(`[[10,2,"echo",{},{"$rich":${nested(62)}}],8]`, 8)],
  ["a binary frame of bad UTF-8", Buffer.from([0, 0, 0, 4, 0x5b, 0xc0, 0xaf, 0x5d])],
];

/** A binary frame: the length of its JSON as it is or as it is said to be, the JSON, and so many bytes. */
function binaryFrame(json: string, bytes: number, said = json.length): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(said);
  return Buffer.concat([head, Buffer.from(json), Buffer.alloc(bytes, 7)]);
}

describe("a malformed frame", () => {
  it.each(malformed)("%s closes its connection alone, as a bad message", async (_what, frame) => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "wait", {}]);
    await until("the call runs", () => running.length === 1);

    raw.socket.send(frame);
    await expectClosed(raw, 4400);
    await until("the connection is gone", () => server.connections === 1);
    await witness.check();
  });

  it("that is binary and over 1 MiB closes its connection alone, as WebSockets have it", async () => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.socket.send(binaryFrame(`[${marked},1048576]`, 1024 * 1024));
    await expectClosed(raw, 1009);
    await witness.check();
  });

  it.each([
    ["over 1 MiB", `[[10,2,"echo",{},"${"x".repeat(1024 * 1024)}"]]`, 1009],
    ["of bad UTF-8", Buffer.from([0x5b, 0xc0, 0xaf, 0x5d]), 1007],
    ["of half a surrogate pair in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 1007],
  ])("%s closes its connection alone, as WebSockets have it", async (_what, frame, code) => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.send([11, 1, "wait", {}]);
    await until("the call runs", () => running.length === 1);
    raw.socket.send(frame, { binary: false });
    await expectClosed(raw, code);
    await witness.check();
  });

  it.each([
    ["a call", '[[10,1,"echo",{}]]'],
    ["a hello of another version", "[[0,2,{}]]"],
    ["a hello without a version", '[[0,"1",{}]]'],
    ["a hello without fields", "[[0,1]]"],
    ["two hellos", "[[0,1,{}],[0,1,{}]]"],
    ["half a hello", "[[0,1,{}"],
  ])("%s closes a connection that was not welcomed", async (_what, frame) => {
    const { server, witness } = await start();
    const raw = await openRaw(server.url);
    raw.socket.send(frame);
    await expectClosed(raw, 4400);
    expect(inputs).toEqual([]);
    await witness.check();
  });

  it("counts for nothing as a whole: no call of it is started", async () => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.send([10, 1, "echo", {}, "first"], [10, 2, "echo", {}, "second"], [10, -1, "echo", {}, "third"]);
    await expectClosed(raw, 4400);
    expect(inputs).toEqual([]);
    await witness.check();
  });
});

describe("a frame that is odd, but well formed", () => {
  it.each([
    ["64 levels", `[[10,1,"echo",{},${nested(62)}]]`, JSON.parse(nested(62))],
    ["brackets in a text", `[[10,1,"echo",{},"${"[".repeat(500)}\\"[["]]`, `${"[".repeat(500)}"[[`],
    ["white space", ' [ [ 10 , 1 ,\n"echo" , { } , 5 ] ] ', 5],
    ["a field too many", '[[10,1,"echo",{},5,6,"more"]]', 5],
    ["unknown fields", '[[10,1,"echo",{"unknown":[1]},5]]', 5],
    ["the same key twice: the last counts", '[[10,1,"echo",{},{"a":1,"a":2}]]', { a: 2 }],
    ["an extension's messages: they are ignored", '[[64,1],[10,1,"echo",{},5],[9007199254740991]]', 5],
    ["cancels of unknown calls: they are ignored", '[[13,7],[13,8,"TIMEOUT"],[10,1,"echo",{},5],[13,1]]', 5],
    ["a cancel with an unknown code", '[[13,7,"NONSENSE"],[13,7,"__proto__"],[10,1,"echo",{},5]]', 5],
    ["escaped characters", '[[\u0031\u0030,1,"\\u0065cho",{},"\\u2028\\u0000"]]', "\u2028\u0000"],
  ])("is understood with %s", async (_what, frame, value) => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.socket.send(frame);
    expect(await raw.message(20, 1)).toEqual([20, 1, value]);
    await witness.check();
  });

  it("may skip ids", async () => {
    const { server } = await start();
    const raw = await openGreeted(server.url);
    raw.send([10, 7, "echo", {}, 1], [10, 9_007_199_254_740_991, "echo", {}, 2]);
    expect(await raw.message(20, 9_007_199_254_740_991)).toEqual([20, 9_007_199_254_740_991, 2]);
  });

  it("may cancel what is unknown or done a hundred thousand times", async () => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.send([10, 1, "echo", {}]);
    await raw.message(20, 1);
    for (let frame = 0; frame < 50; frame++) raw.send(...Array.from({ length: 2_000 }, (_, id) => [13, id + 1]));
    raw.send([10, 2, "echo", {}, "still here"]);
    expect(await raw.message(20, 2)).toEqual([20, 2, "still here"]);
    await witness.check();
  });

  it.each([
    ["a key __proto__", '{"__proto__":{"polluted":1},"a":1}', { a: 1 }],
    ["a key __proto__ deep inside", '[[{"b":{"__proto__":{"polluted":1}}}]]', [[{ b: {} }]]],
    ["an escaped key __proto__", '{"\\u005f\\u005fproto__":{"polluted":1},"a":1}', { a: 1 }],
    ["constructor.prototype", '{"constructor":{"prototype":{"polluted":1}},"a":1}', { a: 1 }],
    ["an escaped constructor.prototype", '{"c\\u006fnstructor":{"protot\\u0079pe":{"polluted":1}}}', {}],
    ["a key constructor that is harmless", '{"constructor":"Ove Arup"}', { constructor: "Ove Arup" }],
    ["a text __proto__", '"__proto__"', "__proto__"],
  ])("leaves Object.prototype alone with %s in an input", async (_what, input, value) => {
    const { server, witness } = await start();
    const raw = await openGreeted(server.url);
    raw.socket.send(`[[10,1,"echo",{"__proto__":{"lastEventId":5}},${input}]]`);
    expect(await raw.message(20, 1)).toEqual([20, 1, value]);
    expect(inputs).toEqual([value]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    await witness.check();
  });

  it.each([
    "\ud800",
    "a\udfffb",
    "\ud83d\ude00 split \ude00\ud83d",
    "\u0000\u0001\u001f\u007f",
    "\u2028\u2029\ufeff\ufffd\uffff",
    '\\u0000 "quoted" \\',
  ])("echoes the text %j as it was", async (text) => {
    const { server } = await start();
    const client = closing(createClient<typeof router>({ url: server.url }));
    expect(await client.echo.query({ [text]: [text] })).toEqual({ [text]: [text] });
    expect(inputs).toEqual([{ [text]: [text] }]);
  });
});
