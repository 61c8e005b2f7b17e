import { type EncodedMessage, SharedMessage } from "@tautline/core/internals";

/** An event as a channel brings it. Each knows the one after it: who has sent a number of them need remember only the first. */
export class ChannelMessage extends SharedMessage {
  /** The feed's. */
  readonly entry: number;
  /** The channel's next, once there is one. */
  following: ChannelMessage | undefined = undefined;

  constructor(message: EncodedMessage, entry: number) {
    super(message);
    this.entry = entry;
  }
}
