import { describe, expect, test } from "vitest";
import { Call, type CallDefinition, type CallRuntime } from "./call.ts";
import { Deadlines } from "./deadlines.ts";
import { TautlineError } from "./errors.ts";
import { OutgoingCalls } from "./outgoing-calls.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { createPipe, lost, type RecordedPipe } from "./testing/recorded-calls.ts";
import { Values } from "./values.ts";

/** Calls over a pipe that keeps what goes in, and what their handlers hear. */
class Setup {
  readonly clock: FakeClock = new FakeClock();
  readonly calls: OutgoingCalls = new OutgoingCalls(100);
  readonly pipe: RecordedPipe = createPipe();
  readonly heard: unknown[] = [];
  /** How often the connection was asked for, less how often it was let go. */
  used = 0;
  readonly runtime: CallRuntime;

  constructor() {
    this.runtime = {
      calls: this.calls,
      deadlines: new Deadlines(this.clock),
      connection: { use: () => this.used++, release: () => this.used-- },
      values: new Values(),
    };
    this.calls.attach(this.pipe);
  }

  call(definition: Partial<CallDefinition> = {}): Call {
    const { heard } = this;
    return new Call(
      this.runtime,
      { type: "query", path: "q", input: undefined, options: {}, ...definition },
      {
        onStarted: () => heard.push("started"),
        onItem: (item, _id, take) => {
          heard.push(item);
          take();
        },
        onDone: (result) => heard.push(["done", result]),
        onError: ({ code }) => heard.push(["failed", code]),
      },
    );
  }
}

describe("a call", () => {
  test("is what is sent, and what its answer settles, once", () => {
    const setup = new Setup();
    const call = setup.call({ input: 1 });
    expect(setup.pipe.sent).toEqual([[10, call.id, "q", {}, 1]]);
    setup.calls.receive([20, 1, "first"], setup.pipe);
    call.cancel();
    setup.calls.receive([20, 1, "second"], setup.pipe);
    expect([setup.heard, setup.pipe.sent.length, setup.used]).toEqual([[["done", "first"]], 1, 0]);
  });

  test("waits for its check, and is not sent where that fails", async () => {
    const setup = new Setup();
    setup.call({ checked: Promise.resolve() });
    setup.call({ path: "bad", checked: Promise.reject(new TautlineError({ code: "BAD_REQUEST" })) });
    expect(setup.pipe.sent).toEqual([]);
    await new Promise(setImmediate);
    expect([setup.pipe.sent, setup.heard]).toEqual([[[10, 1, "q", {}]], [["failed", "BAD_REQUEST"]]]);
  });

  test("that is cancelled while it waits for its check is never sent", async () => {
    const setup = new Setup();
    const call = setup.call({ checked: Promise.resolve() });
    call.cancel();
    await new Promise(setImmediate);
    expect([setup.pipe.sent, setup.heard, setup.calls.size]).toEqual([[], [], 0]);
  });

  test("may be aborted, and may be over its time, while it waits for its check", async () => {
    const setup = new Setup();
    const controller = new AbortController();
    const checked = new Promise<void>(() => {});
    setup.call({ checked, options: { signal: AbortSignal.abort() } });
    setup.call({ checked, options: { signal: controller.signal } });
    setup.call({ checked, options: { timeoutMs: 10 } });
    await Promise.resolve();
    expect(setup.heard.splice(0)).toEqual([["failed", "CLIENT_CLOSED_REQUEST"]]);
    controller.abort();
    expect(setup.heard.splice(0)).toEqual([["failed", "CLIENT_CLOSED_REQUEST"]]);
    setup.clock.advance(10);
    expect([setup.heard, setup.pipe.sent, setup.clock.timers]).toEqual([[["failed", "TIMEOUT"]], [], 0]);
  });

  test.each([
    ["cannot be written", { input: 1n }, "BAD_REQUEST"],
    ["is too large", { input: "x".repeat(100) }, "PAYLOAD_TOO_LARGE"],
    ["is aborted before", { options: { signal: AbortSignal.abort() } }, "CLIENT_CLOSED_REQUEST"],
  ])("that %s fails after whoever makes it holds it, and sends nothing", async (_name, definition, code) => {
    const setup = new Setup();
    setup.call(definition);
    expect(setup.heard).toEqual([]);
    await Promise.resolve();
    expect([setup.heard, setup.pipe.sent, setup.calls.size]).toEqual([[["failed", code]], [], 0]);
  });

  test("that could not be sent may be cancelled before it hears of that, also where nothing is there to send it", () => {
    const setup = new Setup();
    const runtime: CallRuntime = {
      ...setup.runtime,
      get calls(): OutgoingCalls {
        throw new TautlineError({ code: "PRECONDITION_FAILED" });
      },
    };
    const definition = { type: "query", path: "q", input: 1, options: {} } as const;
    const onError = ({ code }: TautlineError): void => void setup.heard.push(code);
    const call = new Call(runtime, definition, { onDone: () => {}, onError });
    call.cancel();
    expect(setup.heard).toEqual([]);
  });

  test("that settles while it is sent leaves no timer and no listener", () => {
    const setup = new Setup();
    const { signal } = new AbortController();
    const added: string[] = [];
    signal.addEventListener = (type: string) => void added.push(type);
    setup.pipe.send = () => setup.calls.detach(setup.pipe, lost, { started: true });
    setup.call({ type: "mutation", options: { signal, timeoutMs: 10 } });
    expect([setup.heard, added, setup.clock.timers]).toEqual([[["failed", "OUTCOME_UNKNOWN"]], [], 0]);
  });

  test("says what of its items has been taken, and hears of none once it is cancelled", () => {
    const setup = new Setup();
    const call = setup.call({ type: "subscription", path: "s" });
    setup.calls.receive([22, 1], setup.pipe);
    for (let item = 0; item < 512; item++) setup.calls.receive([23, 1, item], setup.pipe);
    expect(setup.pipe.sent.slice(1)).toEqual([[16, 1, 0, 384 * 1024]]);
    call.cancel();
    setup.calls.receive([23, 1, "late"], setup.pipe);
    expect([setup.heard.length, setup.pipe.sent.at(-1), setup.used]).toEqual([513, [13, 1], 0]);
  });

  test("is over for its caller when its time is, and tells the other end why", () => {
    const setup = new Setup();
    setup.call({ options: { timeoutMs: 10 } });
    setup.clock.advance(10);
    expect([setup.heard, setup.pipe.sent.at(-1)]).toEqual([[["failed", "TIMEOUT"]], [13, 1, "TIMEOUT"]]);
  });
});
