import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TautlineError } from "@tautline/core";
import {
  type CallCarriers,
  type CallServer,
  type Connection,
  encodeInput,
  encodeMessage,
  type Frame,
  type IncomingCall,
  IncomingCalls,
  LendingSession,
  type Message,
  type MessagePipe,
  messageType,
  OutgoingCalls,
  type OutgoingMessage,
  PartSender,
  Peer,
  type PeerMessage,
  type Session,
  type SessionOwner,
  StreamTable,
} from "@tautline/core/internals";
import type { Dispatch } from "./dispatch.ts";
import type { ServerLimits } from "./options.ts";

/** What a server's sessions share. */
export interface SessionHost {
  readonly dispatch: Dispatch;
  readonly limits: ServerLimits;
  /** A parked session keeps more than before. */
  onKept(session: ServerSession): void;
  /** A session is over, and why; `opened` unless its context never stood. */
  onLost(session: ServerSession, reason: TautlineError, opened: boolean): void;
}

type Phase = "opening" | "claimed" | "open" | "draining" | "leaving" | "lost";

/** The server's end of one session: its calls and its context, through whatever connections it takes. */
export class ServerSession implements SessionOwner, CallServer, MessagePipe {
  readonly session: LendingSession;
  /** What `identify` made of the context that opened it. */
  identity: string | undefined = undefined;
  /** Which of the client's connections it goes over, as the client counts them. */
  attempt = 0;
  /** The store of its mutations when it was opened: one with another name knows nothing of what was sent before. */
  #store: string | undefined = undefined;
  /** Whether the client said that it serves procedures. */
  serves = false;
  readonly #host: SessionHost;
  readonly #calls: IncomingCalls;
  readonly #peer: Peer;
  readonly #scope: { ctx: unknown; req: IncomingMessage; client: string | undefined; readonly openedAt: number };
  /** Calls that came before the context stood. The limits on calls bound them. */
  #waiting: Set<IncomingCall> | undefined = undefined;
  #phase: Phase = "opening";
  /** Why it is over. */
  #reason: TautlineError | undefined = undefined;

  /**
   * @param takesStreams whether the client takes streams, and large messages in parts.
   * @param openedAt when its first connection was: nothing that comes in it is older.
   */
  constructor(host: SessionHost, req: IncomingMessage, takesStreams: boolean, openedAt: number) {
    this.#host = host;
    this.#scope = { ctx: undefined, req, client: undefined, openedAt };
    this.session = new LendingSession(this, host.limits.replayBytes);
    this.#calls = new IncomingCalls(this.session, this, host.limits, takesStreams ? this.#createCarriers() : {});
    this.#peer = new Peer({ serve: () => this.#calls, calls: () => this.#createCalls(takesStreams) });
    this.#peer.attach(this);
  }

  #createCarriers(): CallCarriers {
    const { dispatch, limits } = this.#host;
    const beside = (): number => this.#calls.beside;
    const streams = new StreamTable("callee", () => dispatch.createStreamHost(this.#scope, limits, beside));
    return { streams, parts: new PartSender(messageType.downPart, this.session, dispatch, streams) };
  }

  #createCalls(takesStreams: boolean): OutgoingCalls {
    const { dispatch, limits } = this.#host;
    return takesStreams ? dispatch.createStreamingCalls(limits) : new OutgoingCalls(limits.maxFrameBytes, encodeInput);
  }

  get scope(): { readonly ctx: unknown; readonly req: IncomingMessage } {
    return this.#scope;
  }

  /** Whether nothing of the client's runs here. */
  get idle(): boolean {
    return this.#calls.idle;
  }

  /** The calls that the server makes. */
  get calls(): OutgoingCalls {
    return this.#peer.calls;
  }

  /** What is sent for a client that is away is kept for its return, and bounded like everything that is kept. */
  get open(): boolean {
    return this.#phase !== "lost";
  }

  send(message: OutgoingMessage): void {
    this.session.send(message);
  }

  decode(frame: Frame): Message[] {
    return this.session.decode(frame);
  }

  drained(): Promise<void> | undefined {
    return this.session.drained();
  }

  /** Whether the client can be called now. @throws TautlineError where it cannot. */
  checkCallable(): void {
    if (this.#reason !== undefined) throw this.#reason;
    if (!this.serves) throw new TautlineError({ code: "NOT_IMPLEMENTED", message: "the client exposes no procedures" });
    const { maxCalls, maxSubscriptions, replayBytes } = this.#host.limits;
    const kept = this.session.open ? 0 : this.session.keptLength;
    if (this.calls.size >= maxCalls + maxSubscriptions || kept > replayBytes / 2)
      throw new TautlineError({ code: "TOO_MANY_REQUESTS", message: "too much waits for the client" });
  }

  onMessage(message: PeerMessage, _session: Session, length: number): void {
    this.#peer.receive(message, this, length);
  }

  onKept(): void {
    this.#host.onKept(this);
  }

  onCall(call: IncomingCall): void {
    if (this.#phase === "opening" || this.#phase === "claimed") this.#keepWaiting(call);
    else if (this.#phase === "open") this.#host.dispatch.run(call, this.#scope);
    else call.decline();
  }

  #keepWaiting(call: IncomingCall): void {
    this.#waiting ??= new Set();
    this.#waiting.add(call);
  }

  onRefused(call: IncomingCall, error: TautlineError): void {
    this.#host.dispatch.refuse(call, error, this.#scope);
  }

  onSettled(call: IncomingCall): void {
    this.#waiting?.delete(call);
    this.#leaveIfIdle();
  }

  #leaveIfIdle(): void {
    if (this.#phase === "leaving" && this.idle) this.onIdle();
  }

  /** Called when a draining session has nothing left to do, and its client knows that nothing more will be done. */
  onIdle: () => void = () => {};

  /** Whose it is. @param client how the client names itself. */
  claim(identity: string | undefined, client: string | undefined): void {
    this.identity = identity;
    this.#scope.client = client === undefined ? undefined : nameOf(identity, client);
    this.#store = this.#storeNow;
    this.#phase = "claimed";
  }

  /** What its client is told of the store of its mutations; undefined from when that has lost what it knew. */
  get store(): string | undefined {
    return this.#store === this.#storeNow ? this.#store : undefined;
  }

  get #storeNow(): string | undefined {
    return this.#host.dispatch.mutations.nameFor(this.#scope.client);
  }

  /** The context stands: calls are answered from now on, with this one. */
  start(ctx: unknown): void {
    this.#scope.ctx = ctx;
    // Whoever was told of it may have ended it already.
    if (this.#phase === "claimed") this.#phase = "open";
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const call of waiting ?? []) if (!call.settled) this.onCall(call);
  }

  /** A newer context for the calls to come. */
  renew(ctx: unknown, req: IncomingMessage): void {
    this.#scope.ctx = ctx;
    this.#scope.req = req;
  }

  /** Declines new calls, and tells the client to have another connection within some time. */
  drain(connection: Connection, withinMs: number): void {
    this.#phase = "draining";
    connection.send(encodeMessage([messageType.goaway, withinMs]));
    // What has crossed it is declined: its client may make it elsewhere, and need not wonder what became of it.
    this.session.onceHeard(() => {
      this.#phase = "leaving";
      this.#leaveIfIdle();
    });
  }

  /** Ends it for good: calls are aborted. Idempotent. */
  lose(reason: TautlineError): void {
    if (this.#phase === "lost") return;
    const opened = this.#phase !== "opening";
    this.#phase = "lost";
    this.#reason = reason;
    this.#waiting = undefined;
    this.session.lose();
    this.#peer.close(reason);
    this.#host.onLost(this, reason, opened);
  }
}

/** Nobody answers for another's mutations. A digest: a client may be as long as a frame in naming itself, and each mutation is kept under it. */
function nameOf(identity: string | undefined, client: string): string {
  const named = JSON.stringify([identity, client]);
  return createHash("sha256").update(named).digest("base64url");
}

export function sessionLost(message: string): TautlineError {
  return new TautlineError({ code: "SESSION_LOST", message });
}
