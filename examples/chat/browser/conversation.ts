import type { TautlineError } from "@tautline/core";
import { find } from "@tautline/example-page/browser";
import type { Person, Said } from "../api.ts";
import type { ChatClient } from "./chat-client.ts";
import { Composer } from "./composer.ts";
import { InFlight } from "./in-flight.ts";
import type { NodeBar } from "./node-bar.ts";
import { Outgoing } from "./outgoing.ts";
import { Timeline } from "./timeline.ts";
import { TypingLine } from "./typing-line.ts";
import { TypingSignal } from "./typing-signal.ts";

/** The room one is in. */
export class Conversation {
  readonly #client: ChatClient;
  readonly #nodeBar: NodeBar;
  readonly #title = find(".room-title", HTMLElement);
  readonly #timeline: Timeline;
  readonly #outgoing: Outgoing;
  readonly #inFlight = new InFlight();
  readonly #composer: Composer;
  readonly #typingLine: TypingLine;
  readonly #typingSignal: TypingSignal;
  #room = "";
  #visit = new AbortController();

  constructor(client: ChatClient, me: Person, nodeBar: NodeBar) {
    this.#client = client;
    this.#nodeBar = nodeBar;
    this.#outgoing = new Outgoing(client, () => this.#showOutgoing());
    this.#timeline = new Timeline(me, {
      onRetry: (message) => this.#outgoing.retry(message),
      onDiscard: ({ draft }) => this.#outgoing.remove(draft),
    });
    this.#typingLine = new TypingLine(me);
    this.#typingSignal = new TypingSignal((typing) => this.#tellTyping(typing));
    this.#composer = new Composer({ onSend: (text) => this.#send(text), onInput: (text) => this.#onInput(text) });
  }

  enter(room: string): void {
    this.#visit.abort();
    this.#visit = new AbortController();
    this.#typingSignal.stopped();
    this.#room = room;
    this.#title.textContent = room;
    document.title = `${room} · Tautline chat`;
    this.#typingLine.show([]);
    this.#timeline.clear(room);
    this.#outgoing.removeSent();
    this.#composer.enter(room);
    this.#follow(room, this.#visit.signal);
  }

  #follow(room: string, signal: AbortSignal): void {
    // An abort is an error to whoever subscribed, and here it means that the room was left.
    const onError = (error: TautlineError): void => {
      if (!signal.aborted) this.#explain(room, error);
    };
    const { messages, typing } = this.#client.chat;
    const onGap = (): void => this.#nodeBar.onGap();
    messages.subscribe({ room }, { signal, onError, onGap, onData: (said) => this.#onSaid(room, said) });
    typing.subscribe({ room }, { signal, onError, onData: (people) => this.#typingLine.show(people) });
  }

  #showOutgoing(): void {
    this.#timeline.showOutgoing(this.#outgoing.in(this.#room));
    this.#inFlight.show(this.#outgoing.waiting);
  }

  /** All comes first; and again where messages were missed that are gone, say with the server that had them. */
  #onSaid(room: string, { all, messages }: Said): void {
    if (all) {
      this.#timeline.clear(room);
      this.#timeline.fill(room, messages);
    } else {
      this.#nodeBar.onReceived(messages.length);
      for (const message of messages) this.#timeline.add(message);
    }
    for (const { draft } of messages) this.#outgoing.remove(draft);
  }

  #onInput(text: string): void {
    if (text.trim() === "") this.#typingSignal.stopped();
    else this.#typingSignal.typing();
  }

  #send(text: string): void {
    this.#typingSignal.reset();
    this.#outgoing.send(this.#room, text);
  }

  #tellTyping(typing: boolean): void {
    // Without a connection it would be old news by the time it arrived, and one that gets lost is no matter.
    if (this.#client.connection.state.status !== "online") return;
    this.#client.chat.setTyping.mutate({ room: this.#room, typing }).catch(() => {});
  }

  #explain(room: string, error: TautlineError): void {
    // The server may have been started again without the room that was read here.
    this.#timeline.clear(room);
    if (error.code !== "NOT_FOUND") {
      return this.#timeline.explain(`${room} could not be read`, "Try again", () => this.enter(room));
    }
    this.#timeline.explain(`There is no room called ${room}`, "Create it", () => void this.#create(room));
  }

  async #create(room: string): Promise<void> {
    // Whether it came to be or not, entering shows.
    await this.#client.rooms.create.mutate({ room }).catch(() => {});
    if (room === this.#room) this.enter(room);
  }
}
