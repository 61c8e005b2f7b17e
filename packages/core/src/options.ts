/** Defaults that both ends share. Sizes are in bytes unless the name says otherwise. */

/** The largest frame that is sent or taken; attachments included. */
export const defaultMaxFrameBytes: number = 1024 * 1024;
/** How deep a frame's JSON may nest, the frame's and the message's own arrays included. */
export const defaultMaxDepth = 64;
/** How many messages a frame may hold. */
export const maxFrameMessages = 4096;
/** Calls in flight that one peer runs for the other; subscriptions are counted apart. */
export const defaultMaxCalls = 1000;
/** Subscriptions that one peer runs for the other. */
export const defaultMaxSubscriptions = 1000;
