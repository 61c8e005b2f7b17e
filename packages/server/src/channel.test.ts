import { type Borrower, IncomingCall, type MessagePipe, type Socket, windowBytes } from "@tautline/core/internals";
import { describe, expect, test } from "vitest";
import type { FollowListener } from "./broker.ts";
import { Channel } from "./channel.ts";
import type { ChannelSeat, Passenger } from "./channel-seat.ts";
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

/** A session that keeps what is sent, and its calls; where it lends its socket, also what was sent over that, and what it was told of. */
function createSession(lends = false) {
  const [sent, lent, accounted]: [unknown[], unknown[], unknown[]] = [[], [], []];
  const state = { full: false, sent, lent, accounted, socketFull: false };
  let borrower: Borrower | undefined;
  const drained = (): Promise<void> => new Promise(() => {});
  const socket: Socket = {
    send: (frame) => lent.push(frame),
    close: () => {},
    drained: () => (state.socketFull ? drained() : undefined),
  };
  const pipe: MessagePipe = {
    open: true,
    send: (message) => sent.push(message),
    decode: () => [],
    drained: () => (state.full ? drained() : undefined),
    lender: {
      lend: (to) => {
        if (lends) borrower = to;
        return lends ? socket : undefined;
      },
      recall: () => {
        const recalled = borrower;
        borrower = undefined;
        recalled?.onRecalled({ push: (message) => accounted.push(message) });
      },
    },
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

/** The same, which has something else happen when it is put down. */
function createRecaller(seat: ChannelSeat, call: IncomingCall, act: () => void): { readonly downs: number[] } {
  const downs: number[] = [];
  seat.join({
    call,
    onPutDown: (next) => {
      downs.push(next);
      act();
    },
  });
  return { downs };
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
      expect.objectContaining({ message: '[35,1,"e.1","hello"]' }),
      expect.objectContaining({ message: '[35,1,"e.2","again"]' }),
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

describe("a seat whose session lends its socket", () => {
  test("asks for it after the first event, and sends what follows past the session", () => {
    const { channel, publish } = createChannel();
    const { state, pipe, createCall } = createSession(true);
    board(channel.openSeat(pipe, 0), createCall(1));
    for (let count = 0; count < 5; count++) publish();
    expect([state.sent.length, state.lent.length, state.accounted]).toEqual([1, 4, []]);
  });

  test("accounts for exactly what it has sent past the session, in order, and asks for the socket again", () => {
    const { channel, publish } = createChannel();
    const { state, pipe, createCall } = createSession(true);
    board(channel.openSeat(pipe, 0), createCall(1));
    for (let count = 0; count < 3; count++) publish();
    pipe.lender?.recall();
    expect(state.accounted).toEqual(state.lent);
    pipe.lender?.recall();
    expect(state.accounted).toHaveLength(2);
    for (let count = 0; count < 3; count++) publish();
    expect([state.sent.length, state.lent.length]).toEqual([2, 4]);
    pipe.lender?.recall();
    expect(state.accounted).toEqual(state.lent);
  });

  test("leaves out an event that the channel has encoded, and that the seat was not yet brought", () => {
    const { channel, publish } = createChannel();
    const [one, other] = [createSession(true), createSession(true)];
    const seat = channel.openSeat(one.pipe, 0);
    board(seat, one.createCall(1));
    board(channel.openSeat(other.pipe, 0), other.createCall(1));
    for (let count = 0; count < 2; count++) publish();
    // The first in turn is full: what becomes of that recalls the other's loan before its turn has come.
    one.state.full = true;
    const first = createRecaller(seat, one.createCall(2), () => other.pipe.lender?.recall());
    expect(first.downs).toEqual([]);
    publish();
    expect(first.downs).toEqual([2]);
    expect([other.state.accounted.length, other.state.sent.length]).toEqual([1, 2]);
  });

  test("asks the session, and accounts, before it has sent more past it than 128 small events", () => {
    const { channel, publish } = createChannel();
    const { state, pipe, createCall } = createSession(true);
    board(channel.openSeat(pipe, 0), createCall(1));
    for (let count = 0; count < 1_000; count++) {
      publish();
      expect(state.lent.length - state.accounted.length).toBeLessThanOrEqual(128);
    }
    expect(state.sent.length + state.lent.length).toBe(1_000);
    expect(state.sent.length).toBe(Math.ceil(1_000 / 129));
  });

  test("puts everybody down where the socket takes no more, or the session when it is asked", () => {
    for (const full of ["socketFull", "full"] as const) {
      const { channel, publish } = createChannel();
      const { state, pipe, createCall } = createSession(true);
      const passenger = board(channel.openSeat(pipe, 0), createCall(1));
      for (let count = 0; count < 2; count++) publish();
      if (full === "full") pipe.lender?.recall();
      state[full] = true;
      publish();
      expect([full, passenger.downs]).toEqual([full, [2]]);
      expect(state.accounted).toEqual(state.lent);
    }
  });

  test("hands over messages that lead to no other: a session that keeps one for long keeps none of those that follow it", () => {
    const { channel, publish } = createChannel();
    const { state, pipe, createCall } = createSession(true);
    board(channel.openSeat(pipe, 0), createCall(1));
    for (let count = 0; count < 3; count++) publish();
    pipe.lender?.recall();
    for (const message of [...state.sent, ...state.accounted])
      expect(Object.values(message ?? {}).filter((value) => typeof value === "object")).toEqual([]);
  });

  test("has accounted for everything when its last call has left, and keeps no event alive after that", () => {
    const { channel, publish } = createChannel();
    const { state, pipe, createCall } = createSession(true);
    const seat = channel.openSeat(pipe, 0);
    const passenger = board(seat, createCall(1));
    for (let count = 0; count < 4; count++) publish();
    seat.leave(passenger);
    expect(state.accounted).toEqual(state.lent);
    expect(state.accounted).toHaveLength(3);
  });
});
