import { IncomingCall, type MessagePipe, SharedMessage, windowBytes } from "@tautline/core/internals";
import { describe, expect, test } from "vitest";
import type { FollowListener } from "./broker.ts";
import { Channel, type ChannelSeat, type Passenger } from "./channel.ts";
import { EventCodec } from "./event-codec.ts";
import { KeyFeed } from "./key-feed.ts";

const plain = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value };

/** A feed that is driven by hand, and a channel of it. */
function createChannel() {
  const world: { follower: FollowListener | undefined; events: number } = { follower: undefined, events: 0 };
  const log = {
    follow: (_key: string, listener: FollowListener) => {
      world.follower = listener;
      listener.onStarted({ epoch: "e", offset: 0 });
      return { close: () => {} };
    },
  };
  const feed = new KeyFeed("key", {
    log: log as never,
    codec: new EventCodec(plain, 1_000_000),
    deadlines: undefined as never,
    buffer: { maxEvents: 10, maxBytes: 1_000_000 },
    nextArrival: () => world.events,
    onUnused: () => {},
  });
  const cursor = { behind: false, onFeedStarted() {}, onEntry() {}, onDropped() {}, onFeedFailed() {} };
  feed.add(cursor);
  const channel = new Channel(1, feed, undefined, { write: plain.serialize, maxFrameBytes: 1_000_000 });
  const publish = (text = '"hello"'): void => {
    world.events++;
    world.follower?.onEvent({ position: { epoch: "e", offset: world.events }, text });
    feed.release(cursor);
  };
  const gap = (): void => {
    const [from, to] = [world.events, ++world.events].map((offset) => ({ epoch: "e", offset }));
    if (from !== undefined && to !== undefined) world.follower?.onGap({ from, to });
    feed.release(cursor);
  };
  return { feed, channel, publish, gap };
}

/** A session that keeps what is sent, and its calls. */
function createSession() {
  const sent: unknown[] = [];
  const state = { full: false, sent };
  const pipe: MessagePipe = {
    open: true,
    send: (message) => sent.push(message),
    decode: () => [],
    drained: () => (state.full ? new Promise(() => {}) : undefined),
  };
  const createCall = (id: number): IncomingCall =>
    new IncomingCall(
      { pipe, sendReply: () => 0, sendValue: () => 0, onSettled() {}, onStreamsOver() {}, drained: () => undefined },
      { id, type: "subscription", path: "a", fields: {}, input: undefined },
    );
  return { state, pipe, createCall };
}

/** A call on a seat, and where it was put down. */
function board(seat: ChannelSeat, call: IncomingCall): Passenger & { readonly downs: number[] } {
  const downs: number[] = [];
  const passenger = { call, downs, onPutDown: (next: number) => downs.push(next) };
  seat.join(passenger);
  return passenger;
}

describe("a channel", () => {
  test("brings each event to each session once, as the same message, whatever calls it has", () => {
    const { channel, publish } = createChannel();
    const [one, other] = [createSession(), createSession()];
    const seat = channel.openSeat(one.pipe, 0);
    for (const id of [1, 2]) board(seat, one.createCall(id));
    board(channel.openSeat(other.pipe, 0), other.createCall(1));
    publish();
    publish('"again"');
    expect(one.state.sent).toEqual([
      new SharedMessage('[35,1,"e.1","hello"]'),
      new SharedMessage('[35,1,"e.2","again"]'),
    ]);
    expect(other.state.sent[0]).toBe(one.state.sent[0]);
    expect(other.state.sent).toHaveLength(2);
    expect(seat.next).toBe(2);
  });

  test("puts down the one call that has no credit, at the event that it would have got, and goes on with the others", () => {
    const { channel, publish } = createChannel();
    const session = createSession();
    const seat = channel.openSeat(session.pipe, 0);
    const [poor, rich] = [session.createCall(1), session.createCall(2)];
    poor.spend(windowBytes - 1);
    const [down, stays] = [board(seat, poor), board(seat, rich)];
    publish();
    expect([down.downs, stays.downs]).toEqual([[], []]);
    publish();
    expect([down.downs, stays.downs]).toEqual([[1], []]);
    publish();
    expect(session.state.sent).toHaveLength(3);
    expect(seat.next).toBe(3);
  });

  test("has counted in a call's credit what was brought, once it looks or the call leaves", () => {
    const { channel, publish } = createChannel();
    const session = createSession();
    const seat = channel.openSeat(session.pipe, 0);
    const call = session.createCall(1);
    const passenger = board(seat, call);
    for (let count = 0; count < 10; count++) publish();
    seat.leave(passenger);
    // Small items count 256 each, whatever their length.
    expect(call.credit).toBe(windowBytes - 10 * 256);
    expect(passenger.downs).toEqual([10]);
  });

  test("brings no more than a call has credit for", () => {
    const { channel, publish } = createChannel();
    const session = createSession();
    const passenger = board(channel.openSeat(session.pipe, 0), session.createCall(1));
    for (let count = 0; count < 2_000; count++) publish();
    expect(session.state.sent).toHaveLength(windowBytes / 256);
    expect(passenger.downs).toEqual([windowBytes / 256]);
  });

  test("puts all calls down of a session that takes no more, and brings the event to the others", () => {
    const { channel, publish } = createChannel();
    const [full, free] = [createSession(), createSession()];
    const seat = channel.openSeat(full.pipe, 0);
    const passengers = [1, 2].map((id) => board(seat, full.createCall(id)));
    board(channel.openSeat(free.pipe, 0), free.createCall(1));
    full.state.full = true;
    publish();
    expect(passengers.map(({ downs }) => downs)).toEqual([[0], [0]]);
    expect([full.state.sent.length, free.state.sent.length]).toEqual([0, 1]);
    expect(channel.seat(full.pipe)).toBeUndefined();
  });

  test("brings no gap, and nothing large: whoever is on it takes these by himself", () => {
    const { channel, publish, gap } = createChannel();
    for (const act of [gap, () => publish(JSON.stringify("x".repeat(300_000)))]) {
      const session = createSession();
      const seat = channel.openSeat(session.pipe, 0);
      const passenger = board(seat, session.createCall(1));
      act();
      expect([passenger.downs, session.state.sent]).toEqual([[0], []]);
    }
  });

  test("hears of nothing when its last call has left, and of what comes when one is there again", () => {
    const { channel, publish } = createChannel();
    const session = createSession();
    const seat = channel.openSeat(session.pipe, 0);
    const passenger = board(seat, session.createCall(1));
    seat.leave(passenger);
    publish();
    expect(session.state.sent).toEqual([]);
    board(channel.openSeat(session.pipe, 1), session.createCall(2));
    publish();
    expect(session.state.sent).toHaveLength(1);
  });

  test("puts everybody down where the feed fails", () => {
    const { feed, channel } = createChannel();
    const session = createSession();
    const passenger = board(channel.openSeat(session.pipe, 0), session.createCall(1));
    feed.fail(new Error("over"));
    expect(passenger.downs).toEqual([0]);
    expect(channel.seat(session.pipe)).toBeUndefined();
  });
});
