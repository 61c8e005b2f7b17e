import { describe, expect, test } from "vitest";
import type { Frame } from "./frame.ts";
import { joinLimitLength, Outbox } from "./outbox.ts";
import { type OutgoingFrame, plainFrame, SharedMessage } from "./shared-message.ts";
import { messagesOf } from "./testing/frame-json.ts";

function createOutbox() {
  const frames: Frame[] = [];
  return { frames, outbox: new Outbox({ send: (frame) => frames.push(plainFrame(frame)) }) };
}

async function microtasks(count = 20): Promise<void> {
  for (let done = 0; done < count; done++) await Promise.resolve();
}

/** A message of so many characters. */
function messageOf(length: number): string {
  return `"${"x".repeat(length - 2)}"`;
}

describe("Outbox", () => {
  test("sends what is pushed in one turn as one frame, in order", async () => {
    const { frames, outbox } = createOutbox();
    for (const message of ["[25,1]", "[25,2]", "[25,3]"]) outbox.push(message);
    expect(frames).toEqual([]);
    await microtasks();
    expect(frames).toEqual(["[[25,1],[25,2],[25,3]]"]);
  });

  test("joins what comes a few microtasks apart, as answers of one turn do", async () => {
    const { frames, outbox } = createOutbox();
    for (let id = 1; id <= 5; id++) {
      outbox.push(`[25,${id}]`);
      await microtasks(4);
    }
    await microtasks();
    expect(frames).toEqual(["[[25,1],[25,2],[25,3],[25,4],[25,5]]"]);
  });

  describe("that hears of turns", () => {
    function createTurning() {
      const frames: Frame[] = [];
      const turns: (() => void)[] = [];
      const turn = () => new Promise<void>((resolve) => turns.push(resolve));
      return { frames, turns, outbox: new Outbox({ send: (frame) => frames.push(plainFrame(frame)) }, turn) };
    }

    test("keeps a burst of messages until the turn is over, looking no more", async () => {
      const { frames, turns, outbox } = createTurning();
      for (let message = 0; message < 40; message++) outbox.push(`${message}`);
      await microtasks(100);
      expect([frames.length, turns.length]).toEqual([0, 1]);
      outbox.push("40");
      turns[0]?.();
      await microtasks();
      expect(frames.map((frame) => messagesOf(frame))).toEqual([Array.from({ length: 41 }, (_, index) => index)]);
      expect(turns).toHaveLength(1);
    });

    test("does not wait for it with a few", async () => {
      const { frames, turns, outbox } = createTurning();
      for (let message = 0; message < 15; message++) outbox.push(`${message}`);
      await microtasks();
      expect([frames.length, turns.length]).toEqual([1, 0]);
    });

    test("sends nothing more in it of what was flushed or discarded meanwhile", async () => {
      const { frames, turns, outbox } = createTurning();
      for (let message = 0; message < 20; message++) outbox.push("1");
      await microtasks();
      outbox.flush();
      for (let message = 0; message < 20; message++) outbox.push("2");
      outbox.discard();
      turns[0]?.();
      await microtasks();
      expect(frames).toHaveLength(1);
      outbox.push("3");
      await microtasks();
      expect(frames.at(-1)).toBe("[3]");
    });
  });

  test("sends a frame of its own for what is pushed after a frame has gone", async () => {
    const { frames, outbox } = createOutbox();
    outbox.push("[25,1]");
    await microtasks();
    outbox.push("[25,2]");
    await microtasks();
    expect(frames).toEqual(["[[25,1]]", "[[25,2]]"]);
  });

  test("sends a large message at once and alone, after what waits", async () => {
    const { frames, outbox } = createOutbox();
    const large = messageOf(joinLimitLength + 1);
    outbox.push("[25,1]");
    outbox.push("[25,2]");
    outbox.push(large);
    expect(frames).toEqual(["[[25,1],[25,2]]", `[${large}]`]);
    outbox.push("[25,3]");
    outbox.push("[25,4]");
    await microtasks();
    expect(frames.slice(2)).toEqual(["[[25,3],[25,4]]"]);
  });

  test("joins a message of just the largest length that is joined", async () => {
    const { frames, outbox } = createOutbox();
    const largest = messageOf(joinLimitLength);
    outbox.push(largest);
    outbox.push(largest);
    expect(frames).toEqual([]);
    await microtasks();
    expect(frames).toEqual([`[${largest},${largest}]`]);
  });

  test("does not let a frame grow past 32 kB and a message, nor past 1,024 messages", async () => {
    const { frames, outbox } = createOutbox();
    for (let count = 0; count < 100; count++) outbox.push(messageOf(1000));
    for (let count = 0; count < 3000; count++) outbox.push("1");
    await microtasks();
    const sent = frames.map((frame) => messagesOf(frame) as unknown[]);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(32 * 1024 + joinLimitLength + 2);
    expect(Math.max(...sent.map((messages) => messages.length))).toBeLessThanOrEqual(1024);
    const expected = [...Array<string>(100).fill("x".repeat(998)), ...Array<number>(3000).fill(1)];
    expect(sent.flat()).toEqual(expected);
  });

  test("sends bytes at once and as they are, after what waits", async () => {
    const { frames, outbox } = createOutbox();
    const bytes = Uint8Array.of(1, 2, 3);
    outbox.push("[25,1]");
    outbox.push(bytes);
    expect(frames).toEqual(["[[25,1]]", bytes]);
    expect(frames[1]).toBe(bytes);
    outbox.push("[25,2]");
    await microtasks();
    expect(frames.slice(2)).toEqual(["[[25,2]]"]);
  });

  test("sends what waits when it is flushed, and nothing twice", async () => {
    const { frames, outbox } = createOutbox();
    outbox.flush();
    outbox.push("[25,1]");
    outbox.flush();
    outbox.flush();
    expect(frames).toEqual(["[[25,1]]"]);
    await microtasks();
    expect(frames).toEqual(["[[25,1]]"]);
  });

  test("forgets what waits when it is discarded, and goes on", async () => {
    const { frames, outbox } = createOutbox();
    outbox.push("[25,1]");
    outbox.discard();
    await microtasks();
    expect(frames).toEqual([]);
    outbox.push("[25,2]");
    await microtasks();
    expect(frames).toEqual(["[[25,2]]"]);
  });

  test("sends a message that goes to many as a frame of its own, by reference, after what waits", async () => {
    const frames: OutgoingFrame[] = [];
    const outbox = new Outbox({ send: (frame) => frames.push(frame) });
    const shared = new SharedMessage('[35,1,"e1"]');
    outbox.push("[22,1]");
    outbox.push(shared);
    outbox.push("[22,2]");
    await microtasks();
    expect(frames).toEqual(["[[22,1]]", shared, "[[22,2]]"]);
    expect(shared.frame).toBe('[[35,1,"e1"]]');
    expect(shared.frameLength).toBe(shared.frame.length);
  });

  test("keeps the order when sending a frame makes more messages", async () => {
    const frames: Frame[] = [];
    const outbox: Outbox = new Outbox({
      send: (frame) => {
        frames.push(plainFrame(frame));
        if (frames.length === 1) outbox.push("[25,2]");
      },
    });
    outbox.push("[25,1]");
    await microtasks(40);
    expect(frames).toEqual(["[[25,1]]", "[[25,2]]"]);
  });
});
