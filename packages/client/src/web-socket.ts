import { type Frame, subprotocol } from "@tautline/core/internals";

/** As much of the browsers' WebSocket as the client needs; `ws` has it too. */
export interface WebSocketLike {
  readonly readyState: number;
  /** How binary frames come; set to `arraybuffer` where it is `blob`. */
  binaryType?: string;
  send(data: Frame): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open", listener: () => void): void;
  addEventListener(type: "error", listener: (event: object) => void): void;
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

/** What a message event brought, as core knows frames. */
export function frameOf(data: unknown): Frame {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data) ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data as ArrayBuffer);
}

/** @throws what the host says of an address that is none. */
export function openSocket(WebSocket: WebSocketClass, address: string | URL): WebSocketLike {
  const { location }: Host = globalThis;
  const { href } = new URL(address, location?.href);
  const socket = new WebSocket(href.replace(/^http/, "ws"), subprotocol);
  // A Blob is read in its own time; what `ws` gives instead needs no copy.
  if (socket.binaryType === "blob") socket.binaryType = "arraybuffer";
  return socket;
}
