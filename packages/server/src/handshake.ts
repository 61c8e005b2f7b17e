import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { subprotocol } from "@tautline/core/internals";
import { type AllowedOrigins, isOriginAllowed } from "./origin.ts";

export interface HandshakeRules {
  readonly allowedOrigins: AllowedOrigins | undefined;
  readonly requireOrigin: boolean;
}

/** The HTTP status with which an upgrade is refused; undefined where it may go on. What is malformed is left to `ws` (400). */
export function refusalStatus(request: IncomingMessage, rules: HandshakeRules): number | undefined {
  if (request.method !== "GET") return 405;
  if (!isOriginAllowed(request, rules.allowedOrigins, rules.requireOrigin)) return 403;
  const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
  if (!offered.includes(subprotocol)) return 400;
  return undefined;
}

/** The request's path, without the query. */
export function requestPath(request: IncomingMessage): string {
  return (request.url ?? "/").replace(/[?#].*$/s, "");
}

/** The request's URL, as far as its headers tell. */
export function requestUrl(request: IncomingMessage): URL | null {
  const base = `ws://${request.headers.host ?? "localhost"}`;
  return URL.canParse(request.url ?? "/", base) ? new URL(request.url ?? "/", base) : null;
}

/** Answers an upgrade with a status, in plain HTTP, and ends its stream. */
export function refuseUpgrade(stream: Duplex, status: number): void {
  // The client may be gone while it is being refused.
  stream.on("error", () => {});
  const body = STATUS_CODES[status] ?? "";
  stream.end(
    `HTTP/1.1 ${status} ${body}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => stream.destroy(),
  );
}
