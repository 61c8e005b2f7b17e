import type { TautlineError } from "./errors.ts";
import { type LostPipe, OutgoingCalls, type PipeEnd } from "./outgoing-calls.ts";
import type { MessagePipe } from "./pipe.ts";
import { type CallerMessage, isCalleeMessage, type PeerMessage } from "./protocol.ts";

/** What takes the other end's calls: an `IncomingCalls`. */
export interface CallReceiver {
  receive(message: CallerMessage, length?: number): void;
  abort(reason: TautlineError): void;
}

export interface PeerOptions {
  /** Makes what takes the calls that come through a pipe. */
  readonly serve: (pipe: MessagePipe) => CallReceiver;
  /** The largest message sent, in bytes. Default 1 MiB. */
  readonly maxFrameBytes?: number | undefined;
}

/**
 * One end of the conversation: calls the other end's procedures and takes its calls. Both ends are the same code. A peer knows
 * nothing of sockets: it is attached to a pipe, and may outlive it.
 */
export class Peer implements PipeEnd {
  /** The calls that this end makes. */
  readonly calls: OutgoingCalls;
  readonly #serve: (pipe: MessagePipe) => CallReceiver;
  readonly #receivers = new Map<MessagePipe, CallReceiver>();

  constructor({ serve, maxFrameBytes }: PeerOptions) {
    this.calls = new OutgoingCalls(maxFrameBytes);
    this.#serve = serve;
  }

  /** Sends calls through this pipe from now on, and takes those that come through it. */
  attach(pipe: MessagePipe): void {
    if (!this.#receivers.has(pipe)) this.#receivers.set(pipe, this.#serve(pipe));
    this.calls.attach(pipe);
  }

  /** A pipe is gone: calls that came through it are aborted; for those that went, see `OutgoingCalls.detach`. */
  detach(pipe: MessagePipe, reason: TautlineError, how: LostPipe): void {
    this.#receivers.get(pipe)?.abort(reason);
    this.#receivers.delete(pipe);
    this.calls.detach(pipe, reason, how);
  }

  /** Ends every call in both directions. */
  close(reason: TautlineError): void {
    for (const receiver of this.#receivers.values()) receiver.abort(reason);
    this.#receivers.clear();
    this.calls.close(reason);
  }

  /** Takes a message that came through a pipe. @throws TautlineError `BAD_MESSAGE` where it breaks the protocol. */
  receive(message: PeerMessage, pipe: MessagePipe, length = 0): void {
    if (isCalleeMessage(message)) this.calls.receive(message, pipe, length);
    else this.#receivers.get(pipe)?.receive(message, length);
  }
}
