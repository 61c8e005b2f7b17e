import { type EncodedMessage, SharedMessage } from "@tautline/core/internals";

/**
 * An event as a channel brings it. Each knows the one after it: who has sent a number of them need remember only the first. What
 * sessions keep for a resume is the message alone, which knows of no other: they keep it for long.
 */
export class ChannelMessage {
  readonly shared: SharedMessage;
  /** The feed's. */
  readonly entry: number;
  /** The channel's next, once there is one. */
  following: ChannelMessage | undefined = undefined;

  constructor(message: EncodedMessage, entry: number) {
    this.shared = new SharedMessage(message);
    this.entry = entry;
  }
}
