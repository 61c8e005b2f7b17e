import { describe, expect, it } from "vitest";
import { decodeBinaryFrame } from "./binary-frame.ts";
import { everyMessage } from "./every-message.ts";
import { type EncodedMessage, frameLength } from "./frame.ts";
import * as messageType from "./message-type.ts";
import { PartCollector } from "./part-collector.ts";
import { PartSender } from "./part-sender.ts";
import type { CalleePartMessage } from "./protocol.ts";
import type { OutgoingMessage } from "./shared-message.ts";
import { FakeClock } from "./testing/index.ts";

/** A sender, and what it has sent. */
class Sending {
  readonly line = { isShared: false };
  readonly sent: EncodedMessage[] = [];
  readonly sender: PartSender;
  readonly #clock = new FakeClock();

  constructor() {
    const send = (message: OutgoingMessage): number => this.sent.push(message as EncodedMessage);
    const pipe = { open: true, send, decode: () => [], drained: () => undefined };
    this.sender = new PartSender(messageType.downPart, pipe, this.#clock, this.line);
  }

  get parts(): readonly CalleePartMessage[] {
    return this.sent.map(partOf);
  }

  /** Gives so many turns. */
  async turn(turns: number): Promise<void> {
    for (let turned = 0; turned < turns; turned++) {
      this.#clock.advance(0);
      await Promise.resolve();
    }
  }
}

function partOf(message: EncodedMessage): CalleePartMessage {
  const [part] = typeof message === "string" ? [JSON.parse(message)] : decodeBinaryFrame(message, everyMessage);
  return part as CalleePartMessage;
}

const kib = (count: number): string => "x".repeat(count * 1024);

describe("a sender of large messages", () => {
  it("sends what is not large at once, and whole", () => {
    const { sender, sent } = new Sending();
    sender.send(1, 0, "[20,1]");
    sender.send(2, 1, kib(200));
    expect(sent).toEqual(["[20,1]", kib(200)]);
    expect(sender.sent(2, 1)).toBeUndefined();
  });

  it("sends a part in each turn, and says when all have left", async () => {
    const sending = new Sending();
    const { sender, sent } = sending;
    const bytes = Uint8Array.from({ length: 300 * 1024 }, (_, index) => index % 251);
    sender.send(1, 2, bytes);
    let hasLeft = false;
    void sender.sent(1, 2)?.then(() => {
      hasLeft = true;
    });
    expect(sent).toHaveLength(1);
    await sending.turn(4);
    expect(sending.parts.map(([, id, stream, length, part]) => [id, stream, length, part.length])).toEqual([
      ...Array.from({ length: 4 }, () => [1, 2, bytes.length, 64 * 1024]),
      [1, 2, bytes.length, 44 * 1024],
    ]);
    await sending.turn(1);
    expect([hasLeft, sender.sent(1, 2)]).toEqual([true, undefined]);
    const collector = new PartCollector(1024 * 1024);
    const frames = sending.parts.map((part) => collector.add(part));
    expect(frames.at(-1)).toEqual(bytes);
  });

  it("cuts a stream's items smaller where calls wait for them, and no other message", async () => {
    const sending = new Sending();
    sending.line.isShared = true;
    sending.sender.send(1, 1, kib(16));
    sending.sender.send(1, 0, kib(40));
    expect(sending.sent.map(frameLength)).toEqual([16 * 1024 + 2, 40 * 1024 + 2]);
    sending.sent.length = 0;
    sending.sender.send(1, 1, kib(40));
    await sending.turn(5);
    expect(sending.parts.map(([, , , length, part]) => [length, part.length])).toEqual([
      [40 * 1024, 16 * 1024],
      [40 * 1024, 16 * 1024],
      [40 * 1024, 8 * 1024],
    ]);
  });

  it("begins no more of them than the other end takes at a time, in turns; the next when one has left", async () => {
    const sending = new Sending();
    const { sender } = sending;
    for (let id = 1; id <= 20; id++) sender.send(id, 0, kib(id === 3 ? 257 : 513));
    await sending.turn(1_000);
    const open = new Set<number>();
    const collector = new PartCollector(1024 * 1024);
    const whole: number[] = [];
    let mostOpen = 0;
    for (const part of sending.parts) {
      open.add(part[1]);
      mostOpen = Math.max(mostOpen, open.size);
      if (collector.add(part) === undefined) continue;
      open.delete(part[1]);
      whole.push(part[1]);
    }
    expect(mostOpen).toBe(16);
    expect(whole).toHaveLength(20);
    expect(whole[0]).toBe(3);
    expect(whole.indexOf(17)).toBeLessThan(whole.indexOf(20));
  });

  it("sends no more of what is dropped, and what waits begins in its place", async () => {
    const sending = new Sending();
    for (let id = 1; id <= 17; id++) sending.sender.send(id, 0, kib(300));
    await sending.turn(3);
    expect(sending.sender.drop(2)).toBe(true);
    expect(sending.sender.drop(99)).toBe(false);
    sending.sent.length = 0;
    await sending.turn(1_000);
    const ids = new Set(sending.parts.map(([, id]) => id));
    expect([ids.size, ids.has(2)]).toEqual([16, false]);
  });
});
