import type { IncomingMessage } from "node:http";
import { unheard } from "./thenable.ts";

/**
 * Which pages may connect: browsers send the page's origin, and nothing else keeps a foreign page from opening a WebSocket with
 * the user's cookies (RFC 6455, section 10.2). A list holds origins as browsers send them: `https://app.example`. A function that
 * throws refuses.
 */
export type AllowedOrigins = "*" | readonly string[] | AllowedOriginFunction;

type AllowedOriginFunction = (origin: string, request: IncomingMessage) => boolean;

/** Whether a request may be upgraded, judged by its `Origin`. One without (not a browser) is taken unless `required`. */
export function isOriginAllowed(
  request: IncomingMessage,
  allowed: AllowedOrigins | undefined,
  required: boolean,
): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return !required;
  if (allowed === undefined) return isOwnOrigin(origin, request.headers.host);
  // A text that is no list has no origins in it, whatever it includes.
  if (typeof allowed === "string") return allowed === "*";
  return typeof allowed === "function" ? allows(allowed, origin, request) : allowed.includes(origin);
}

/** Origins come from strangers: one that a function chokes on is refused, and ends nothing else. So is a promise. */
function allows(allowed: AllowedOriginFunction, origin: string, request: IncomingMessage): boolean {
  try {
    return unheard(allowed(origin, request)) === true;
  } catch {
    return false;
  }
}

/** The default: the host that the request was sent to; on loopback with any port, so that a development server works. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  const page = parseUrl(origin);
  const own = parseUrl(`http://${host ?? ""}`);
  if (page === undefined || own === undefined) return false;
  // A Host header leaves out the default port of a scheme it does not name.
  return page.host === host?.toLowerCase() || (isLoopback(page.hostname) && isLoopback(own.hostname));
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
