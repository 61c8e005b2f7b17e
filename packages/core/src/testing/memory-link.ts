import type { Frame } from "../frame.ts";
import type { Socket } from "../socket.ts";

/** What the owner of a {@link MemorySocket} hears from it. */
export interface MemorySocketEvents {
  onFrame(frame: Frame): void;
  /** The socket is gone; called once. The code is 1006 where the link was cut. */
  onClosed(code: number, reason: string): void;
}

export interface MemoryLinkOptions {
  /**
   * Decides when what was sent arrives: it calls `deliver` later, once for each time that it is called, on the direction's own
   * queue, so that order is kept whatever it does. Default `queueMicrotask`.
   */
  readonly schedule?: (deliver: () => void) => void;
  /** Characters, or bytes, on their way from one end at which its `drained()` gives a promise. Default 1 MiB. */
  readonly highWaterLength?: number;
  /** Decides when an end that closed hears that it is closed; a WebSocket hears it after the other end. Default `queueMicrotask`. */
  readonly scheduleClosed?: (tell: () => void) => void;
  /** Sees every frame when it is sent, and again when it arrives. */
  readonly onTraffic?: (traffic: Traffic) => void;
  /** An end has closed, or hears that the link is gone. */
  readonly onGone?: (end: LinkEnd) => void;
}

/** One end of a link. */
export type LinkEnd = "client" | "server";

/** A frame that was sent, or has arrived. */
export interface Traffic {
  readonly from: LinkEnd;
  readonly step: "sent" | "arrived";
  readonly frame: Frame;
}

/** The close code of a socket that went without a word (RFC 6455, section 7.1.5). */
const cutCode = 1006;

/** A connection in one process: two sockets, each of which receives what the other one sends, in order, never in the same call. */
export class MemoryLink {
  readonly client: MemorySocket;
  readonly server: MemorySocket;
  #moves = 0;

  constructor(options: MemoryLinkOptions = {}) {
    const onMove = (): void => {
      this.#moves++;
    };
    const toServer = new Lane("client", options, onMove);
    const toClient = new Lane("server", options, onMove);
    this.client = new MemorySocket("client", { out: toServer, in: toClient }, options);
    this.server = new MemorySocket("server", { out: toClient, in: toServer }, options);
    toServer.arrive = (parcel) => this.server.receive(parcel);
    toClient.arrive = (parcel) => this.client.receive(parcel);
  }

  /** How often something was sent or has arrived. Grows while the link is in use. */
  get moves(): number {
    return this.#moves;
  }

  /**
   * Loses what is on its way in both directions; both ends hear of it, in a microtask.
   *
   * @param arrived how many of the frames on their way from each end arrive before. Default 0.
   */
  cut(arrived: Partial<Record<LinkEnd, number>> = {}): void {
    this.client.hurry(arrived.client ?? 0);
    this.server.hurry(arrived.server ?? 0);
    this.client.lose();
    this.server.lose();
  }
}

/** One end of a {@link MemoryLink}. Frames are kept as they were sent. */
export class MemorySocket implements Socket {
  /** Every frame that this end sent, in order. */
  readonly sent: Frame[] = [];
  readonly #out: Lane;
  readonly #in: Lane;
  readonly #scheduleClosed: (tell: () => void) => void;
  readonly #onGone: () => void;
  #events: MemorySocketEvents | undefined = undefined;
  #open = true;
  #goOn: (() => void) | undefined = undefined;

  /** Made by {@link MemoryLink}. */
  constructor(
    end: LinkEnd,
    lanes: { readonly out: Lane; readonly in: Lane },
    { scheduleClosed = queueMicrotask, onGone }: MemoryLinkOptions,
  ) {
    this.#out = lanes.out;
    this.#in = lanes.in;
    this.#onGone = () => onGone?.(end);
    this.#scheduleClosed = (tell) => scheduleClosed(tell);
  }

  /** Whether this end has neither closed nor heard that the link is gone. */
  get open(): boolean {
    return this.#open;
  }

  /** How many frames of this end are on their way. */
  get inFlight(): number {
    return this.#out.frames;
  }

  /** How many frames of this end have arrived; undefined where none is on its way. */
  get taken(): number | undefined {
    return this.inFlight === 0 ? undefined : this.sent.length - this.inFlight;
  }

  /** To be called in the turn in which the link was made: what arrives before is lost. */
  listen(events: MemorySocketEvents): void {
    this.#events = events;
  }

  send(frame: Frame): void {
    if (!this.#open) return;
    this.sent.push(frame);
    this.#out.push({ frame });
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#shut();
    this.resume();
    this.#out.push({ code, reason });
    this.#scheduleClosed(() => this.#end(code, reason));
  }

  /** Ends the link without a word: this end hears of it in a microtask, the other one when what was sent before has arrived. */
  terminate(): void {
    this.#shut();
    this.#out.push({ code: cutCode, reason: "" });
    queueMicrotask(() => this.#end(cutCode, ""));
  }

  drained(): Promise<void> | undefined {
    return this.#out.drained();
  }

  /** What this end sends stays on its way until the function that is returned is called. Nobody is told. */
  stall(): () => void {
    return this.#out.stall();
  }

  /** What the other end sends stays on its way until `resume`. */
  pause(): void {
    this.#goOn ??= this.#in.stall();
  }

  resume(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }

  /**
   * This end is gone; the other end is not told: a half-open connection.
   *
   * @param sent what becomes of the frames on their way from here. Default `"lost"`.
   */
  lose(sent: "lost" | "arrives" = "lost"): void {
    const events = this.#events;
    this.#events = undefined;
    this.#shut();
    if (sent === "lost") this.#out.discard();
    queueMicrotask(() => events?.onClosed(cutCode, ""));
  }

  /** So many frames of this end arrive now. */
  hurry(frames: number): void {
    for (let left = Math.min(frames, this.inFlight); left > 0; left--) this.#out.arriveNext();
  }

  /** Called by the link. */
  receive(parcel: Parcel): void {
    if (parcel.frame !== undefined) return this.#events?.onFrame(parcel.frame);
    this.#shut();
    this.#end(parcel.code, parcel.reason);
  }

  #shut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#onGone();
  }

  #end(code: number, reason: string): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClosed(code, reason);
  }
}

type Parcel = { readonly frame: Frame } | { readonly frame?: never; readonly code: number; readonly reason: string };

/** One direction of a link. */
class Lane {
  arrive: (parcel: Parcel) => void = () => {};
  readonly #schedule: (deliver: () => void) => void;
  readonly #highWaterLength: number;
  readonly #onMove: () => void;
  readonly #onTraffic: ((step: Traffic["step"], frame: Frame) => void) | undefined;
  readonly #deliver: () => void;
  #parcels: Parcel[] = [];
  #length = 0;
  #stalled = false;
  /** Deliveries that came due while the lane was stalled. */
  #overdue = 0;
  #drained: Promise<void> | undefined = undefined;
  #onDrained: (() => void) | undefined = undefined;

  constructor(from: LinkEnd, options: MemoryLinkOptions, onMove: () => void) {
    const { schedule = queueMicrotask, highWaterLength = 1024 * 1024, onTraffic } = options;
    this.#schedule = (deliver) => schedule(deliver);
    this.#highWaterLength = highWaterLength;
    this.#onMove = onMove;
    this.#onTraffic = onTraffic && ((step, frame) => onTraffic({ from, step, frame }));
    this.#deliver = () => this.#next();
  }

  get frames(): number {
    let count = 0;
    for (const { frame } of this.#parcels) if (frame !== undefined) count++;
    return count;
  }

  push(parcel: Parcel): void {
    if (parcel.frame !== undefined) this.#onTraffic?.("sent", parcel.frame);
    this.#parcels.push(parcel);
    this.#length += parcel.frame?.length ?? 0;
    this.#onMove();
    this.#schedule(this.#deliver);
  }

  discard(): void {
    this.#parcels = [];
    this.#length = 0;
    this.#release();
  }

  stall(): () => void {
    this.#stalled = true;
    return () => {
      this.#stalled = false;
      for (; this.#overdue > 0; this.#overdue--) this.#schedule(this.#deliver);
    };
  }

  drained(): Promise<void> | undefined {
    if (this.#length < this.#highWaterLength) return undefined;
    this.#drained ??= new Promise((resolve) => {
      this.#onDrained = resolve;
    });
    return this.#drained;
  }

  #next(): void {
    if (this.#stalled) {
      this.#overdue++;
      return;
    }
    this.arriveNext();
  }

  arriveNext(): void {
    const parcel = this.#parcels.shift();
    if (parcel === undefined) return;
    this.#length -= parcel.frame?.length ?? 0;
    if (this.#length < this.#highWaterLength) this.#release();
    this.#onMove();
    if (parcel.frame !== undefined) this.#onTraffic?.("arrived", parcel.frame);
    this.arrive(parcel);
  }

  #release(): void {
    this.#onDrained?.();
    this.#onDrained = undefined;
    this.#drained = undefined;
  }
}
