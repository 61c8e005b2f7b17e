import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { Deadlines } from "@tautline/core/internals";
import { FakeClock } from "@tautline/core/testing";
import { initTRPC } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { Dispatch } from "./dispatch.ts";
import { type ServerLimits, serverLimits } from "./options.ts";
import { ServerSession, sessionLost } from "./server-session.ts";
import { SessionRegistry } from "./session-registry.ts";

/** A registry, and sessions that are parked and open when they are told to be. */
class Setup {
  readonly clock = new FakeClock();
  readonly deadlines = new Deadlines(this.clock);
  readonly limits: ServerLimits;
  readonly registry: SessionRegistry;
  /** Sessions that were lost, and why. */
  readonly lost: [session: ServerSession, reason: string][] = [];
  readonly #dispatch: Dispatch;

  constructor(limits: Partial<ServerLimits> = {}) {
    this.limits = serverLimits(limits);
    this.registry = new SessionRegistry(this.limits, this.deadlines, () => this.clock.now());
    const t = initTRPC.create();
    const { clock } = this;
    this.#dispatch = new Dispatch({
      router: t.router({}),
      errorDetail: "deliberate",
      onError: () => {},
      clock,
      idempotency: undefined,
      maxFrameBytes: this.limits.maxFrameBytes,
    });
  }

  open(): ServerSession {
    const host = {
      dispatch: this.#dispatch,
      limits: this.limits,
      onKept: (session: ServerSession) => this.registry.onKept(session),
      onLost: (session: ServerSession, { message }: Error) => {
        this.lost.push([session, message]);
        this.registry.delete(session);
      },
    };
    return new ServerSession(host, new IncomingMessage(new Socket()), false, 0);
  }

  /** A session with a token that is parked, and keeps so much. */
  park(length = 0): { session: ServerSession; token: string } {
    const session = this.open();
    const token = this.registry.renew(session, undefined);
    if (length > 0) session.session.send("x".repeat(length));
    this.registry.park(session);
    return { session, token };
  }
}

describe("a token", () => {
  test("finds its session, and no other text finds one", () => {
    const setup = new Setup();
    const { registry } = setup;
    const session = setup.open();
    const token = registry.renew(session, undefined);
    expect(registry.find(token)).toBe(session);
    for (const other of ["", "__proto__", token.slice(1), `${token} `, token.toLowerCase()]) {
      expect(registry.find(other)).toBeUndefined();
    }
  });

  test("holds 192 random bits, as a URL may hold them", () => {
    const setup = new Setup();
    const tokens = Array.from({ length: 100 }, () => setup.registry.renew(setup.open(), undefined));
    expect(new Set(tokens).size).toBe(100);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });

  test("is good until the newer one is known to have come", () => {
    const setup = new Setup();
    const { registry } = setup;
    const session = setup.open();
    const first = registry.renew(session, "chosen");
    expect(["chosen", first].map((token) => registry.find(token))).toEqual([session, session]);
    registry.confirm(session);
    expect(registry.find("chosen")).toBeUndefined();
    const second = registry.renew(session, first);
    expect([first, second].map((token) => registry.find(token))).toEqual([session, session]);
    // The welcome with the second was lost.
    const third = registry.renew(session, first);
    expect([first, second, third].map((token) => registry.find(token))).toEqual([session, undefined, session]);
    registry.confirm(session);
    registry.confirm(session);
    expect([first, third].map((token) => registry.find(token))).toEqual([undefined, session]);
  });

  test("stays the session's that has it, whoever else chooses it, and whatever becomes of them", () => {
    const setup = new Setup();
    const { registry } = setup;
    const [session, other] = [setup.open(), setup.open()];
    const token = registry.renew(session, undefined);
    registry.renew(other, token);
    expect(registry.find(token)).toBe(session);
    registry.confirm(other);
    expect(registry.find(token)).toBe(session);
    registry.delete(other);
    expect(registry.find(token)).toBe(session);
  });

  test("is forgotten with its session", () => {
    const setup = new Setup();
    const { session, token } = setup.park();
    expect(setup.registry.size).toBe(1);
    session.lose(sessionLost("over"));
    expect([setup.registry.find(token), setup.registry.size, setup.registry.parked]).toEqual([undefined, 0, 0]);
  });
});

describe("a parked session", () => {
  test("is lost when its window is over, each by its own time", () => {
    const setup = new Setup({ sessionWindowMs: 100 });
    const first = setup.park();
    setup.clock.advance(60);
    const second = setup.park();
    setup.clock.advance(39);
    expect(setup.lost).toEqual([]);
    setup.clock.advance(1);
    expect(setup.lost.map(([session]) => session)).toEqual([first.session]);
    setup.clock.advance(60);
    expect(setup.lost.map(([session]) => session)).toEqual([first.session, second.session]);
    expect([setup.registry.size, setup.clock.timers]).toEqual([0, 0]);
  });

  test("is lost no more once it is open again, and has its whole window when it is parked again", () => {
    const setup = new Setup({ sessionWindowMs: 100 });
    const { session, token } = setup.park();
    setup.clock.advance(99);
    expect(setup.registry.isParked(session)).toBe(true);
    setup.registry.unpark(session);
    setup.clock.advance(1_000);
    expect(setup.registry.find(token)).toBe(session);
    setup.registry.park(session);
    setup.clock.advance(99);
    expect(setup.lost).toEqual([]);
    setup.clock.advance(1);
    expect(setup.lost).toHaveLength(1);
  });

  test("stays where the window has no end", () => {
    const setup = new Setup({ sessionWindowMs: Number.POSITIVE_INFINITY });
    setup.park();
    setup.clock.advance(1e12);
    expect([setup.registry.parked, setup.clock.timers]).toEqual([1, 0]);
  });

  test("makes room for newer ones, the oldest first, by count", () => {
    const setup = new Setup({ maxParkedSessions: 3 });
    const parked = Array.from({ length: 5 }, () => setup.park());
    expect(setup.lost.map(([session]) => session)).toEqual(parked.slice(0, 2).map(({ session }) => session));
    expect([setup.registry.parked, setup.registry.size]).toEqual([3, 3]);
  });

  test("makes room for newer ones, the oldest first, by size", () => {
    const setup = new Setup({ maxParkedBytes: 1_000 });
    const parked = [setup.park(400), setup.park(400), setup.park(300)];
    expect(setup.lost.map(([session]) => session)).toEqual([parked[0]?.session]);
    expect([setup.registry.parked, setup.registry.parkedLength]).toEqual([2, 700]);
    setup.park(2_000);
    expect([setup.registry.parked, setup.registry.parkedLength]).toEqual([0, 0]);
  });

  test("counts what it keeps while it is parked, and gives it back when it is not", () => {
    const setup = new Setup({ maxParkedBytes: 1_000, replayBytes: 600 });
    const [first, second] = [setup.park(100), setup.park(100)];
    first.session.session.send("x".repeat(300));
    expect(setup.registry.parkedLength).toBe(500);
    // What was kept before is let go for it: it is not counted twice.
    first.session.session.send("x".repeat(300));
    expect(setup.registry.parkedLength).toBe(700);
    second.session.session.send("x".repeat(500));
    expect(setup.lost.map(([session]) => session)).toEqual([first.session]);
    expect(setup.registry.parkedLength).toBe(600);
    setup.registry.unpark(second.session);
    setup.registry.unpark(second.session);
    expect(setup.registry.parkedLength).toBe(0);
    second.session.session.send("x".repeat(50));
    expect(setup.registry.parkedLength).toBe(0);
  });

  test("is lost with all others when everything is cleared, and leaves no timer", () => {
    const setup = new Setup();
    for (let count = 0; count < 3; count++) setup.park(10);
    setup.registry.clear();
    expect([setup.lost.length, setup.registry.size, setup.registry.parkedLength, setup.clock.timers]).toEqual([
      3, 0, 0, 0,
    ]);
  });
});
