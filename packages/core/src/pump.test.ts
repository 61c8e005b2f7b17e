import { describe, expect, test } from "vitest";
import { TautlineError } from "./errors.ts";
import { IncomingCall } from "./incoming-call.ts";
import type { CalleeMessage } from "./protocol.ts";
import { Pump } from "./pump.ts";
import { FakeClock } from "./testing/fake-clock.ts";

async function microtasks(count = 2_000): Promise<void> {
  for (let done = 0; done < count; done++) await Promise.resolve();
}

/** A subscription that is pumped, and all that can be seen of it. */
function createSubscription() {
  const clock = new FakeClock();
  const sent: CalleeMessage[] = [];
  const errors: unknown[] = [];
  const socket = { full: false, release: () => {} };
  const call = new IncomingCall(
    {
      sendReply: (message) => sent.push(message),
      sendValue: (message) => sent.push(message),
      pipe: { open: true, send: () => {}, decode: () => [], drained: () => undefined },
      onStreamsOver: () => {},
      onSettled: () => {},
      drained: () => (socket.full ? new Promise<void>((resolve) => (socket.release = resolve)) : undefined),
    },
    { id: 1, type: "subscription", path: "a", fields: {}, input: undefined },
  );
  const line = { isShared: false };
  const pump = (source: AsyncIterable<unknown>, onItem = (item: unknown) => call.sendItem(item)): void => {
    const onError = (error: unknown): void => {
      errors.push(error);
      call.sendError({ message: "failed" });
    };
    new Pump({ target: call, source, clock, line, onItem, onError }).start();
  };
  const abort = (): void => call.abort(new TautlineError({ code: "CLIENT_CLOSED_REQUEST" }));
  return { clock, line, sent, errors, socket, call, pump, abort };
}

/** An iterator made by hand, as libraries have them. */
function sourceOf(iterator: { next(): unknown; return?(): unknown }): AsyncIterable<unknown> {
  return { [Symbol.asyncIterator]: () => iterator as AsyncIterator<unknown> };
}

const started: CalleeMessage = [22, 1];
const failed: CalleeMessage = [21, 1, { message: "failed" }];

describe("Pump", () => {
  test("says that the subscription stands before its first item, sends the items in order, and the end", async () => {
    const { sent, errors, pump } = createSubscription();
    async function* source() {
      yield "a";
      await microtasks(3);
      yield "b";
      yield undefined;
    }
    pump(source());
    expect(sent).toEqual([started]);
    await microtasks();
    expect(sent).toEqual([started, [23, 1, "a"], [23, 1, "b"], [23, 1], [25, 1]]);
    expect(errors).toEqual([]);
  });

  test("takes the next item only when the connection takes more", async () => {
    const { sent, socket, pump } = createSubscription();
    let pulled = 0;
    pump(sourceOf({ next: async () => ({ value: ++pulled, done: false }) }), (item) => {
      if (item === 3 || item === 5) socket.full = true;
      return sent.push([23, 1, item]);
    });
    await microtasks();
    expect(pulled).toBe(3);
    socket.full = false;
    socket.release();
    await microtasks();
    expect(pulled).toBe(5);
    socket.full = false;
    socket.release();
    await microtasks();
    expect(pulled).toBeGreaterThan(100);
  });

  test.each([
    ["64 KiB of large items", false, 7],
    ["16 KiB of them, where calls wait beside it", true, 2],
  ])("lets the rest of the process have its turn after %s", async (_, isShared, items) => {
    const { clock, line, sent, call, pump } = createSubscription();
    line.isShared = isShared;
    async function* endless() {
      for (;;) yield 0;
    }
    pump(endless(), (item) => {
      call.sendItem(item);
      return 10_000;
    });
    for (let turns = 1; turns <= 3; turns++) {
      await microtasks();
      expect(sent).toHaveLength(1 + turns * items);
      clock.advance(0);
    }
  });

  test("lets the rest of the process have its turn after 256 items of a source that is always ready", async () => {
    const { clock, sent, pump } = createSubscription();
    async function* endless() {
      for (let item = 0; ; item++) yield item;
    }
    pump(endless());
    await microtasks();
    const first = sent.length;
    expect(first).toBeGreaterThan(200);
    expect(first).toBeLessThanOrEqual(257);
    await microtasks();
    expect(sent).toHaveLength(first);
    clock.advance(0);
    await microtasks();
    expect(sent).toHaveLength(first + 256);
    expect(sent.slice(1).map((message) => message[2])).toEqual(
      Array.from({ length: first + 255 }, (_, index) => index),
    );
  });
});

describe("a pump whose call is aborted", () => {
  test("stops a generator at its yield, and runs its finally", async () => {
    const { sent, errors, pump, abort } = createSubscription();
    let cleaned = 0;
    let resume = (): void => {};
    async function* source() {
      try {
        yield 1;
        await new Promise<void>((resolve) => (resume = resolve));
        yield 2;
      } finally {
        cleaned++;
      }
    }
    pump(source());
    await microtasks();
    abort();
    await microtasks();
    expect(cleaned).toBe(0);
    resume();
    await microtasks();
    expect([cleaned, errors]).toEqual([1, []]);
    expect(sent).toEqual([started, [23, 1, 1]]);
  });

  test("tells an iterator that never yields to return, once", async () => {
    const { sent, pump, abort } = createSubscription();
    let returned = 0;
    const source = sourceOf({
      next: () => new Promise(() => {}),
      return: async () => {
        returned++;
        return { value: undefined, done: true };
      },
    });
    pump(source);
    await microtasks();
    abort();
    abort();
    await microtasks();
    expect([returned, sent]).toEqual([1, [started]]);
  });

  test("does without return where the iterator has none, and leaves out what it still gives", async () => {
    const { sent, errors, pump, abort } = createSubscription();
    let give = (_result: unknown): void => {};
    pump(sourceOf({ next: () => new Promise((resolve) => (give = resolve)) }));
    abort();
    give({ value: "too late", done: false });
    await microtasks();
    expect([sent, errors]).toEqual([[started], []]);
  });

  test("hands over what comes when it is stopped, which may hold streams, and reports no error of that", async () => {
    const { sent, errors, pump, abort } = createSubscription();
    const late: unknown[] = [];
    let give: (result: unknown) => void = () => {};
    const next = (): Promise<unknown> =>
      new Promise((resolve) => {
        give = resolve;
      });
    pump(sourceOf({ next }), (item) => {
      late.push(item);
      throw new Error("unsendable");
    });
    abort();
    give({ done: false, value: "late" });
    await microtasks();
    expect([sent, errors, late]).toEqual([[started], [], ["late"]]);
  });

  test("does not pull again when it was paused", async () => {
    for (const pause of ["socket", "turn"]) {
      const { clock, sent, socket, pump, abort } = createSubscription();
      let pulled = 0;
      let returned = 0;
      socket.full = pause === "socket";
      pump(
        sourceOf({
          next: async () => ({ value: ++pulled, done: false }),
          return: async () => ({ value: ++returned, done: true }),
        }),
      );
      await microtasks();
      const before = pulled;
      abort();
      socket.full = false;
      socket.release();
      clock.advance(0);
      await microtasks();
      expect([pulled, returned]).toEqual([before, 1]);
      expect(sent).toHaveLength(before + 1);
    }
  });

  test("reports what the source throws while it is stopped, whichever way", async () => {
    const reasons = [
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
    ];
    for (const stop of reasons) {
      const { sent, errors, pump, abort } = createSubscription();
      pump(sourceOf({ next: () => new Promise(() => {}), return: stop }));
      abort();
      await microtasks();
      expect(errors).toHaveLength(1);
      expect(sent).toEqual([started]);
    }
  });

  test("never starts a source whose call was aborted before: it is told to return", async () => {
    const { sent, pump, abort } = createSubscription();
    let pulled = 0;
    let returned = 0;
    abort();
    pump(sourceOf({ next: async () => ({ value: ++pulled }), return: async () => ({ value: ++returned }) }));
    await microtasks();
    expect([pulled, returned, sent]).toEqual([0, 1, []]);
  });
});

describe("a source that fails", () => {
  test("ends the call with an error, after the items it gave", async () => {
    const { sent, errors, pump } = createSubscription();
    const error = new Error("broken");
    async function* source() {
      yield 1;
      throw error;
    }
    pump(source());
    await microtasks();
    expect([sent, errors]).toEqual([[started, [23, 1, 1], failed], [error]]);
  });

  test("ends the call with an error where it breaks the rules of iterators", async () => {
    const broken: (() => unknown)[] = [
      () => {
        throw new Error("thrown, not rejected");
      },
      () => undefined,
      () => ({ value: 1, done: false }),
      async () => undefined,
      async () => null,
      async () => ({
        get done(): boolean {
          throw new Error("from a getter");
        },
      }),
      async () => ({
        get value(): unknown {
          throw new Error("from a getter");
        },
      }),
    ];
    for (const next of broken) {
      const { sent, errors, pump } = createSubscription();
      pump(sourceOf({ next }));
      await microtasks();
      expect([errors.length, sent]).toEqual([1, [started, failed]]);
    }
  });

  test("is stopped, and the call ended, when an item cannot be sent", async () => {
    const { sent, errors, pump } = createSubscription();
    let cleaned = 0;
    const error = new Error("no JSON");
    async function* source() {
      try {
        for (let item = 0; ; item++) yield item;
      } finally {
        cleaned++;
      }
    }
    pump(source(), (item) => {
      if (item === 2) throw error;
      return sent.push([23, 1, item]);
    });
    await microtasks();
    expect([sent, errors, cleaned]).toEqual([[started, [23, 1, 0], [23, 1, 1], failed], [error], 1]);
  });
});
