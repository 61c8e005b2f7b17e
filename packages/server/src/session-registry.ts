import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Deadline, Deadlines } from "@tautline/core/internals";
import type { ServerLimits } from "./options.ts";
import { type ServerSession, sessionLost } from "./server-session.ts";

interface Tokens {
  /** The one given last. */
  current: string;
  /** The one before it: good until the client shows that it has the newer one, whose welcome may have been lost. */
  previous: string | undefined;
}

interface Parked {
  readonly since: number;
  length: number;
}

/**
 * Finds sessions by their tokens and keeps those without a connection for a while: no longer than the window, no more than the caps
 * allow, oldest out first. Tokens are held as digests alone, so that neither a look-up's time nor a heap dump gives one away.
 */
export class SessionRegistry {
  readonly #limits: ServerLimits;
  readonly #deadlines: Deadlines;
  readonly #now: () => number;
  readonly #byDigest = new Map<string, ServerSession>();
  readonly #tokens = new Map<ServerSession, Tokens>();
  /** In the order in which they were parked. */
  readonly #parked = new Map<ServerSession, Parked>();
  #parkedLength = 0;
  #expiry: Deadline | undefined = undefined;

  constructor(limits: ServerLimits, deadlines: Deadlines, now: () => number) {
    this.#limits = limits;
    this.#deadlines = deadlines;
    this.#now = now;
  }

  /** Sessions that can be resumed, parked ones among them. */
  get size(): number {
    return this.#tokens.size;
  }

  get parked(): number {
    return this.#parked.size;
  }

  /** What parked sessions keep, in UTF-16 units. */
  get parkedLength(): number {
    return this.#parkedLength;
  }

  /** The session that a token is for; undefined for one that is unknown, expired, or used up. */
  find(token: string): ServerSession | undefined {
    const digest = digestOf(token);
    const session = this.#byDigest.get(digest);
    const tokens = session && this.#tokens.get(session);
    if (tokens === undefined) return undefined;
    return isSame(digest, tokens.current) || isSame(digest, tokens.previous) ? session : undefined;
  }

  /**
   * Gives a session a token, 192 random bits, and keeps the one that it came with good until `confirm`.
   *
   * @param used the token that the client has shown, its own choice where the session is new.
   */
  renew(session: ServerSession, used: string | undefined): string {
    this.#forgetTokens(session);
    const token = randomBytes(24).toString("base64url");
    const tokens: Tokens = { current: digestOf(token), previous: undefined };
    const previous = used === undefined ? undefined : digestOf(used);
    // A token that names another session stays that session's.
    if (previous !== undefined && !this.#byDigest.has(previous)) tokens.previous = previous;
    this.#tokens.set(session, tokens);
    this.#byDigest.set(tokens.current, session);
    if (tokens.previous !== undefined) this.#byDigest.set(tokens.previous, session);
    return token;
  }

  /** The client has the newer token: the one before it is good no more. */
  confirm(session: ServerSession): void {
    const tokens = this.#tokens.get(session);
    if (tokens?.previous === undefined) return;
    this.#byDigest.delete(tokens.previous);
    tokens.previous = undefined;
  }

  /** A session has no connection: it is lost when the window is over, or when newer ones need its place. */
  park(session: ServerSession): void {
    const length = session.session.keptLength;
    this.#parked.set(session, { since: this.#now(), length });
    this.#parkedLength += length;
    this.#evict();
    this.#expire();
  }

  /** A parked session keeps so much more. */
  onKept(session: ServerSession): void {
    const parked = this.#parked.get(session);
    if (parked === undefined) return;
    const length = session.session.keptLength;
    this.#parkedLength += length - parked.length;
    parked.length = length;
    this.#evict();
  }

  isParked(session: ServerSession): boolean {
    return this.#parked.has(session);
  }

  /** Those without a connection that belong to an identity. */
  parkedOf(identity: string): readonly ServerSession[] {
    return [...this.#parked.keys()].filter((session) => session.identity === identity);
  }

  unpark(session: ServerSession): void {
    const parked = this.#parked.get(session);
    if (parked === undefined) return;
    this.#parkedLength -= parked.length;
    this.#parked.delete(session);
  }

  /** The session is over. */
  delete(session: ServerSession): void {
    this.unpark(session);
    this.#forgetTokens(session);
    this.#tokens.delete(session);
  }

  /** Loses every parked session. */
  clear(): void {
    for (const session of this.#parked.keys()) session.lose(sessionLost("the server is closing"));
    this.#expiry?.cancel();
  }

  #evict(): void {
    const { maxParkedSessions, maxParkedBytes } = this.#limits;
    for (const session of this.#parked.keys()) {
      if (this.#parked.size <= maxParkedSessions && this.#parkedLength <= maxParkedBytes) return;
      session.lose(sessionLost("too many parked sessions"));
    }
  }

  /** One deadline, for the one that was parked first. */
  #expire(): void {
    this.#expiry?.cancel();
    const { sessionWindowMs } = this.#limits;
    for (const [session, { since }] of this.#parked) {
      const leftMs = since + sessionWindowMs - this.#now();
      if (leftMs > 0) {
        this.#expiry = this.#deadlines.add(leftMs, () => this.#expire());
        return;
      }
      session.lose(sessionLost("not resumed in time"));
    }
  }

  #forgetTokens(session: ServerSession): void {
    const tokens = this.#tokens.get(session);
    if (tokens === undefined) return;
    this.#byDigest.delete(tokens.current);
    if (tokens.previous !== undefined) this.#byDigest.delete(tokens.previous);
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

function isSame(digest: string, other: string | undefined): boolean {
  return other !== undefined && timingSafeEqual(Buffer.from(digest), Buffer.from(other));
}
