import { TautlineError } from "@tautline/core";
import type { ChatClient } from "./chat-client.ts";
import { randomId } from "./random-id.ts";

/** One's own message on its way. */
export interface OutgoingMessage {
  readonly room: string;
  readonly draft: string;
  readonly text: string;
  readonly at: Date;
  /** Why it could not be sent, in words. */
  readonly problem?: string;
  /** The server has it; it only has to come back in its room. */
  readonly sent?: true;
}

/** One's own messages from the moment they are written until they come back in their room. */
export class Outgoing {
  readonly #client: ChatClient;
  readonly #onChange: () => void;
  readonly #messages = new Map<string, OutgoingMessage>();

  constructor(client: ChatClient, onChange: () => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  send(room: string, text: string): void {
    void this.#send({ room, draft: randomId(), text, at: new Date() });
  }

  retry({ room, draft, text, at }: OutgoingMessage): void {
    void this.#send({ room, draft, text, at });
  }

  /** Forgets a message: it has come back in its room, or its writer gave it up. */
  remove(draft: string): void {
    if (this.#messages.delete(draft)) this.#onChange();
  }

  /** The room was entered anew: what the server has is in its history. */
  removeSent(): void {
    for (const { draft, sent } of this.#messages.values()) if (sent) this.#messages.delete(draft);
    this.#onChange();
  }

  in(room: string): OutgoingMessage[] {
    return [...this.#messages.values()].filter((message) => message.room === room);
  }

  /** How many the server has not answered yet. */
  get waiting(): number {
    return [...this.#messages.values()].filter(({ problem, sent }) => !problem && !sent).length;
  }

  async #send(message: OutgoingMessage): Promise<void> {
    const { room, draft, text } = message;
    this.#set(message);
    try {
      await this.#client.chat.send.mutate({ room, draft, text });
      if (this.#messages.has(draft)) this.#set({ ...message, sent: true });
    } catch (error) {
      if (this.#messages.has(draft))
        this.#set({ ...message, problem: `Not sent: ${TautlineError.from(error).message}.` });
    }
  }

  #set(message: OutgoingMessage): void {
    this.#messages.set(message.draft, message);
    this.#onChange();
  }
}
