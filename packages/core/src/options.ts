/** Defaults that both ends share. Sizes are in bytes unless the name says otherwise. */

/** The largest frame that is sent or taken; attachments included. */
export const defaultMaxFrameBytes: number = 1024 * 1024;
/** The largest message, in as many parts as it takes. */
export const defaultMaxMessageBytes: number = 1024 * 1024;
/** How deep a frame's JSON may nest, the frame's and the message's own arrays included. */
export const defaultMaxDepth = 64;
/** A message that makes a frame longer than this has one of its own: joining large messages was measured to be slower. In UTF-16 units. */
export const joinedFrameLength = 1024;
/** How much of a stream may be sent before its receiver has said anything; with small items 1,024 of them. */
export const windowBytes: number = 256 * 1024;
/** How much a stream may be ahead of its reader where the line is long: half of what a session keeps until it is acknowledged. */
export const defaultMaxWindowBytes: number = 512 * 1024;
/** How much the streams that come in one session may be ahead of their readers together. */
export const defaultMaxStreamBytes: number = 16 * 1024 * 1024;
/** What an item counts at least: how long it is in a frame that it shares is not known to its receiver. */
export const leastItemCost = 256;
/** A message whose frame would be longer than this goes in parts, so that others need not wait for it. In UTF-16 units or bytes. */
export const largeFrameLength: number = 256 * 1024;
/** The same of a stream's item where calls are made beside the stream. */
export const largeSharedLength: number = 20 * 1024;
/** How long a part is. */
export const partLength: number = 64 * 1024;
/** The same where calls are made beside streams: with the longer ones a small query took three times as long beside them. */
export const sharedPartLength: number = 16 * 1024;
/** Large messages that one end may have under way. */
export const maxLargeMessages = 16;
/** How many messages a frame may hold. */
export const maxFrameMessages = 4096;
/** How many runs of bytes a binary frame may carry. */
export const maxAttachments = 1024;
/** Calls in flight that one peer runs for the other; subscriptions are counted apart. */
export const defaultMaxCalls = 1000;
/** Subscriptions that one peer runs for the other. */
export const defaultMaxSubscriptions = 1000;
/** A connection that is silent for so long is asked for a sign of life, in ms. */
export const defaultHeartbeatMs = 25_000;
/** One that gives none is given up after so long, in ms. */
export const defaultDeadAfterMs = 8_000;
