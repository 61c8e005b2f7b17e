import { find, make } from "@tautline/example-page/browser";
import type { Message, Person } from "../api.ts";
import { createMessage, createOutgoing, isContinued, type Placed } from "./message-view.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import { dayOf } from "./time.ts";

interface TimelineEvents {
  readonly onRetry: (message: OutgoingMessage) => void;
  readonly onDiscard: (message: OutgoingMessage) => void;
}

/** How many rows the page keeps; the oldest go first. */
const maxRows = 500;
/** Whoever is no further from the end than this is taken along to new messages. */
const nearEndPx = 96;

/** The messages of a room, one's own on their way at the end. */
export class Timeline {
  readonly #log = find(".log", HTMLElement);
  readonly #empty = find(".empty", HTMLElement);
  readonly #messages = find(".messages", HTMLOListElement);
  readonly #outgoing = find(".outgoing", HTMLOListElement);
  readonly #newer = find(".newer", HTMLButtonElement);
  readonly #me: Person;
  readonly #events: TimelineEvents;
  #last: Message | undefined;
  #unseen = 0;

  constructor(me: Person, events: TimelineEvents) {
    this.#me = me;
    this.#events = events;
    this.#newer.addEventListener("click", () => this.#toEnd("smooth"));
    this.#log.addEventListener("scroll", () => this.#isNearEnd() && this.#see(), { passive: true });
    // The composer grows and the on-screen keyboard comes up: whoever read the end still does.
    new ResizeObserver(() => this.#unseen === 0 && this.#toEnd()).observe(this.#log);
  }

  /** Nothing yet: the room's history is on its way. */
  clear(room: string): void {
    this.#log.ariaLabel = `Messages in ${room}`;
    this.#log.ariaBusy = "true";
    this.#messages.replaceChildren();
    this.#empty.replaceChildren();
    this.#last = undefined;
    this.#see();
  }

  /** The room's history. */
  fill(room: string, messages: readonly Message[]): void {
    for (const message of messages) this.#append(message);
    this.#empty.replaceChildren(
      make("p", "empty-title", `It is quiet in ${room}`),
      make("p", "empty-text", "Write the first message, or open this page in a second tab and talk to yourself."),
    );
    this.#log.ariaBusy = "false";
    this.#toEnd();
  }

  /** Says why there is nothing to show, and offers a way out. */
  explain(title: string, action: string, onAction: () => void): void {
    const button = make("button", "primary", action);
    button.type = "button";
    button.addEventListener("click", onAction);
    this.#empty.replaceChildren(make("p", "empty-title", title), button);
    this.#log.ariaBusy = "false";
  }

  /** A message that has just been posted. */
  add(message: Message): void {
    const follow = this.#isNearEnd() || message.from.id === this.#me.id;
    this.#append(message).classList.add("arriving");
    if (follow) this.#toEnd();
    else this.#announceUnseen();
  }

  showOutgoing(messages: readonly OutgoingMessage[]): void {
    const grew = messages.length > this.#outgoing.childElementCount;
    let before: Placed | undefined = this.#last;
    const views = messages.map((message) => {
      const placed = { from: this.#me, at: message.at };
      const continued = isContinued(placed, before);
      before = placed;
      return createOutgoing(message, this.#me, continued, {
        onRetry: () => this.#events.onRetry(message),
        onDiscard: () => this.#events.onDiscard(message),
      });
    });
    this.#outgoing.replaceChildren(...views);
    if (grew) this.#toEnd();
  }

  #append(message: Message): HTMLElement {
    const day = dayOf(message.at);
    const newDay = !this.#last || dayOf(this.#last.at) !== day;
    if (newDay) this.#messages.append(make("li", "day", day));
    const view = createMessage(message, !newDay && isContinued(message, this.#last));
    this.#messages.append(view);
    while (this.#messages.childElementCount > maxRows) this.#messages.firstElementChild?.remove();
    this.#last = message;
    return view;
  }

  #isNearEnd(): boolean {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < nearEndPx;
  }

  #toEnd(behavior: ScrollBehavior = "instant"): void {
    this.#log.scrollTo({ top: this.#log.scrollHeight, behavior });
    this.#see();
  }

  #see(): void {
    this.#unseen = 0;
    this.#newer.hidden = true;
  }

  #announceUnseen(): void {
    this.#unseen += 1;
    this.#newer.textContent = this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`;
    this.#newer.hidden = false;
  }
}
