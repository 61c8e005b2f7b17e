import type { TautlineError } from "./errors.ts";
import type { OutgoingCalls } from "./outgoing-calls.ts";
import type { MessagePipe } from "./pipe.ts";
import type { LostPipe, PipeEnd } from "./pipe-end.ts";
import { badMessage, type CallerMessage, isCalleeMessage, type PeerMessage } from "./protocol.ts";

/** What takes the other end's calls: an `IncomingCalls`. */
export interface CallReceiver {
  /** Calls that have not settled. */
  readonly size: number;
  receive(message: CallerMessage, length?: number): void;
  abort(reason: TautlineError): void;
}

export interface PeerOptions {
  /** Makes what takes the calls that come through a pipe. */
  readonly serve: (pipe: MessagePipe) => CallReceiver;
  /** The calls that this end makes, or what makes them when they are first asked for: an end that makes none need not have them. */
  readonly calls: OutgoingCalls | (() => OutgoingCalls);
}

/**
 * One end of the conversation: calls the other end's procedures and takes its calls. Both ends are the same code. A peer knows
 * nothing of sockets: it is attached to a pipe, and may outlive it.
 */
export class Peer implements PipeEnd {
  readonly #serve: (pipe: MessagePipe) => CallReceiver;
  readonly #createCalls: () => OutgoingCalls;
  readonly #receivers = new Map<MessagePipe, CallReceiver>();
  #calls: OutgoingCalls | undefined = undefined;
  #pipe: MessagePipe | undefined = undefined;

  constructor({ serve, calls }: PeerOptions) {
    this.#serve = serve;
    if (typeof calls !== "function") this.#calls = calls;
    this.#createCalls = () => (typeof calls === "function" ? calls() : calls);
  }

  /** The calls that this end makes. */
  get calls(): OutgoingCalls {
    if (this.#calls === undefined) {
      this.#calls = this.#createCalls();
      if (this.#pipe !== undefined) this.#calls.attach(this.#pipe);
    }
    return this.#calls;
  }

  /** Calls of either end that have not settled. */
  get size(): number {
    let size = this.#calls?.size ?? 0;
    for (const receiver of this.#receivers.values()) size += receiver.size;
    return size;
  }

  /** Sends calls through this pipe from now on, and takes those that come through it. */
  attach(pipe: MessagePipe): void {
    if (!this.#receivers.has(pipe)) this.#receivers.set(pipe, this.#serve(pipe));
    this.#pipe = pipe;
    this.#calls?.attach(pipe);
  }

  /** A pipe is gone: calls that came through it are aborted; for those that went, see `OutgoingCalls.detach`. */
  detach(pipe: MessagePipe, reason: TautlineError, how: LostPipe): void {
    this.#receivers.get(pipe)?.abort(reason);
    this.#receivers.delete(pipe);
    if (this.#pipe === pipe) this.#pipe = undefined;
    this.#calls?.detach(pipe, reason, how);
  }

  /** Ends every call in both directions. */
  close(reason: TautlineError): void {
    for (const receiver of this.#receivers.values()) receiver.abort(reason);
    this.#receivers.clear();
    this.#pipe = undefined;
    this.#calls?.close(reason);
  }

  /** Takes a message that came through a pipe. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. */
  receive(message: PeerMessage, pipe: MessagePipe, length = 0): void {
    if (!isCalleeMessage(message)) this.#receivers.get(pipe)?.receive(message, length);
    else if (this.#calls !== undefined) this.#calls.receive(message, pipe, length);
    else throw badMessage("an answer to no call");
  }
}
