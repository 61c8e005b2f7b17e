import type { CreateContextOptions } from "./options.ts";
import type { ServerConnection } from "./server-connection.ts";
import type { ServerSession, SessionHost } from "./server-session.ts";
import type { ClientHost } from "./session-client.ts";
import type { OutcomeStore } from "./welcome.ts";

/** What a server's connections share. */
export interface ConnectionHost extends SessionHost, ClientHost {
  readonly createContext: ((options: CreateContextOptions) => unknown) | undefined;
  readonly identify: ((ctx: unknown) => string | undefined) | undefined;
  /** Names the store that remembers mutations. */
  readonly store: OutcomeStore | undefined;
  /** The session that a token of this identity is for. */
  findSession(token: string, identity: string | undefined): ServerSession | undefined;
  /**
   * A session is open on this connection; one that it had before is closed.
   *
   * @param used the token that the client has shown.
   * @returns its newer token; undefined where sessions are not kept.
   */
  claimSession(session: ServerSession, connection: ServerConnection, used: string | undefined): string | undefined;
  /** The client has shown that it knows the session's newer token. */
  confirmToken(session: ServerSession): void;
  /** A session has lost its connection, and may be resumed. */
  parkSession(session: ServerSession): void;
  onClosed(connection: ServerConnection): void;
}
