import type { StreamToSend } from "./attached.ts";
import type { StreamProgress } from "./call-streams.ts";
import type { EncodedInput } from "./codec.ts";
import type { ProcedureType } from "./contract.ts";
import type { Window } from "./credit.ts";
import type { TautlineError } from "./errors.ts";
import type { MessagePipe } from "./pipe.ts";

/** Events of a subscription that may be missing: those after `from` and up to `to`. */
export interface EventGap {
  readonly from: string;
  readonly to: string;
}

/** What a caller has to say of its call's streams. */
export interface StreamWishes {
  /** Aborting it ends them. */
  readonly signal?: AbortSignal | null | undefined;
  /** Hears how far they have come. */
  readonly onProgress?: ((progress: StreamProgress) => void) | undefined;
}

/** What is called. */
export interface CalledProcedure {
  readonly type: ProcedureType;
  readonly path: string;
  /** Of a mutation: running it twice does what running it once does. */
  readonly idempotent?: boolean | undefined;
}

/**
 * A call of this end: what `OutgoingCalls` knows of it, and what its caller hears. After `onResult`, `onError`, `onEnd` or `onFailed` it
 * hears nothing more.
 */
export abstract class OutgoingCall {
  /** A newer one each time that it is sent: the other end takes ids that grow. 0 until it is sent first. */
  id: number = 0;
  readonly type: ProcedureType;
  readonly path: string;
  /** Whether running it twice does what running it once does: then it may be sent again. */
  readonly idempotent: boolean;
  /** Encoded: read once, however often the call is sent. */
  input: EncodedInput | undefined;
  /** The streams in its input. */
  slots: readonly StreamToSend[] | undefined;
  /** Where it was sent; undefined while it waits. */
  pipe: MessagePipe | undefined;
  /** Of a mutation that may have run: the id under which it was sent first. An idempotent one is run again, whether it was or not. */
  firstId: number | undefined;
  /** The store that knows whether that one has run: the other end runs this one only where that has not. */
  store: string | undefined;
  /** When it was sent first, by the time of day. */
  sentAt: number | undefined;
  /** Continues after this event when it is sent again. */
  lastEventId: string | undefined;
  /** Of a subscription: whether it has started, and with that its reader may have missed what came while it was lost. */
  started: boolean = false;
  /** Of a subscription that has sent an item: how much of it may come. */
  window: Window | undefined;
  /** Of a subscription: the channel whose events are its items too; 0 for none. */
  channel: number = 0;
  /** Whether its reader sees the ids of the channel's events. */
  shown: boolean = false;
  /** What a source of its streams has thrown. */
  sourceError: unknown;

  constructor({ type, path, idempotent = false }: CalledProcedure) {
    this.type = type;
    this.path = path;
    this.idempotent = idempotent;
  }

  /** What concerns its streams, by which it may outlive its answer. */
  abstract readonly options: StreamWishes;

  /** It is about to be sent first. @throws TautlineError where it is not to be. */
  begin(): void {}

  abstract onResult(value: unknown): void;
  /** The other end's error, as a shape still to be read by the transformer. */
  abstract onError(shape: unknown): void;
  abstract onStarted(): void;
  /** @param length what `OutgoingCalls.take` is to be told when the item has been taken. */
  abstract onItem(value: unknown, eventId: string | undefined, length: number): void;
  /** Items may be missing: those after `from` and up to `to`, where the other end knows which. */
  abstract onGap(gap?: EventGap): void;
  abstract onEnd(): void;
  /** An error of this end: the connection, the session, the client. */
  abstract onFailed(error: TautlineError): void;
  /** The call has settled before, and none of its streams flows any more. */
  abstract onStreamsOver(): void;
}
