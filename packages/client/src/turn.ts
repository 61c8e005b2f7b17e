import type { Clock } from "@tautline/core/internals";

/** Time as a client is given it: what a test holds may have turns of its own. */
export type ClientClock = Omit<Clock, "turn"> & Partial<Pick<Clock, "turn">>;

/** What hosts have of which a turn can be made. */
interface Host {
  /** Node, Deno and Bun have it. */
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel: new () => { readonly port1: Port; readonly port2: Port };
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
}

/** Node's own types do not say that its ports have `onmessage`. */
const globalHost = globalThis as unknown as Host;

/** A clock with turns: its own, or the host's. */
export function turningClock(clock: ClientClock): Pick<Clock, "now" | "turn"> {
  return { now: () => clock.now(), turn: clock.turn?.bind(clock) ?? createTurn(globalHost) };
}

/**
 * Turns of the host's event loop. A timer would be as good, but that browsers let one which a timer has set wait for 4 ms (HTML, "timer
 * initialisation steps").
 */
export function createTurn({ setImmediate, MessageChannel }: Host): () => Promise<void> {
  if (setImmediate !== undefined) return () => new Promise((resolve) => void setImmediate(resolve));
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(undefined);
    });
}
