// Why a connection was closed (RFC 6455, section 7.4, leaves 4000–4999 to applications).

export const normal = 1000;
/** The server is going away. */
export const goingAway = 1001;
/** A frame over the size limit. It would be as large next time. */
export const tooBig = 1009;
/** The other side broke the protocol. */
export const badMessage = 4400;
/** `createContext` refused the credentials. */
export const unauthorized = 4401;
/** `createContext` refused the caller. */
export const forbidden = 4403;
/** A newer connection has taken the session over. */
export const superseded = 4409;
/** The other side is silent: no answer to a ping. */
export const silent = 4410;
/** The application has ended the session. */
export const disconnected = 4411;
/** No `hello`, or no context, in time. */
export const helloTimeout = 4408;
/** `createContext` failed for a reason of the server's own. */
export const contextFailed = 4500;
/** A fault of the closing side's own. (1011 is closed to browsers.) */
export const internalError = 4501;

/** Also where the WebSocket protocol was broken: by a frame (1002), or by text that is no UTF-8 (1007). */
const ending: readonly number[] = [normal, goingAway, tooBig, badMessage, disconnected, internalError, 1002, 1007];

/** Whether nobody will come back to the session of a connection that ended with this code, or would only break it again. */
export function endsSession(code: number): boolean {
  return ending.includes(code);
}

const final: readonly number[] = [tooBig, badMessage, unauthorized, forbidden, superseded, disconnected];

/** Whether a client that was closed with this code should come back: after anything but a refusal that would be repeated. */
export function mayReconnect(code: number): boolean {
  return !final.includes(code);
}
