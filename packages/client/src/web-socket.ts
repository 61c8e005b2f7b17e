import { TautlineError } from "@tautline/core";
import { subprotocol } from "@tautline/core/internals";

/** As much of the browsers' WebSocket as the client needs; `ws` has it too. */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

/** A class of WebSockets: the browsers', that of `ws`, or one that behaves like them. */
export type WebSocketClass = new (url: string, protocol: string) => WebSocketLike;

interface Host {
  /** Every host has it; the rest is there in browsers alone. */
  readonly setTimeout: unknown;
  readonly location?: { readonly href: string };
}

/** @throws TautlineError `BAD_REQUEST` where the address is none. */
export function openSocket(WebSocket: WebSocketClass, address: string | URL): WebSocketLike {
  try {
    const { location }: Host = globalThis;
    const url = new URL(address, location?.href);
    url.protocol = url.protocol.replace("http", "ws");
    return new WebSocket(url.href, subprotocol);
  } catch (cause) {
    throw new TautlineError({ code: "BAD_REQUEST", message: `no address: ${String(address)}`, cause });
  }
}
