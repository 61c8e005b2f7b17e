const plain = /^[\w-]+$/;

/** Any text as one token of a subject: itself where NATS reads nothing into it, else `=` and its UTF-8 in base64url. */
export function toToken(text: string): string {
  return plain.test(text) ? text : `=${Buffer.from(text).toString("base64url")}`;
}

/** The text that a token stands for. */
export function fromToken(token: string): string {
  return token.startsWith("=") ? Buffer.from(token.slice(1), "base64url").toString() : token;
}

/** What is in the stream of a topic, and what comes out of it. */
export class TopicSubjects {
  /** All that the stream takes. */
  readonly all: string;
  /** The events of all keys. */
  readonly events: string;
  /** What the stream has taken is told under these. */
  readonly live: string;
  readonly #stored: string;

  constructor(prefix: string, topic: string) {
    const token = toToken(topic);
    this.#stored = `${prefix}.${token}`;
    this.all = `${this.#stored}.>`;
    this.events = `${this.#stored}.e.*`;
    this.live = `${prefix}-live.${token}.>`;
  }

  event(key: string): string {
    return `${this.#stored}.e.${toToken(key)}`;
  }

  /** Where it stands how far a key's log was cut off because it was too long. */
  mark(key: string): string {
    return `${this.#stored}.m.${toToken(key)}`;
  }

  liveEvent(key: string): string {
    return `${this.live.slice(0, -1)}e.${toToken(key)}`;
  }

  /** A live subject from a stored one. */
  toLive(event: string): string {
    return this.live.slice(0, -1) + event.slice(this.#stored.length + 1);
  }
}
