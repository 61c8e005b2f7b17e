// What each message starts with. Below 10: the connection's own messages. From 10: a caller's; from 20: a callee's; these are
// symmetric, either end may send them. One constant each, so that bundlers put the number where the name is.

export const hello = 0;
export const welcome = 1;
export const refused = 2;
export const ping = 3;
export const pong = 4;
export const ack = 5;
export const goaway = 6;
export const auth = 7;
export const authenticated = 8;
export const query = 10;
export const mutation = 11;
export const subscription = 12;
export const cancel = 13;
/** Up: from the caller to the callee; down: the other way. Each end sends items and ends of its own streams, credit and stops of the other's. */
export const upItem = 14;
export const upEnd = 15;
export const downCredit = 16;
export const downStop = 17;
export const upPart = 18;
export const result = 20;
export const error = 21;
export const started = 22;
export const item = 23;
export const trackedItem = 24;
export const end = 25;
export const event = 26;
export const declined = 27;
export const downItem = 28;
export const downEnd = 29;
export const upCredit = 30;
export const upStop = 31;
export const downPart = 32;
export const gap = 33;
export const channel = 34;
export const channelEvent = 35;
/** From here on types are left to extensions: whoever does not know one ignores it. */
export const firstExtension = 64;
