import { find, make } from "@tautline/example-page/browser";
import type { Message, Person } from "../api.ts";
import { hue, paintAvatar } from "./avatar.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import { fullTimeOf, timeOf } from "./time.ts";

/** A message that follows one of the same person within this time shows neither name nor avatar again. */
const groupMs = 5 * 60_000;

/** What a message's place in the list depends on. */
export type Placed = Pick<Message, "from" | "at">;

export function isContinued(message: Placed, before: Placed | undefined): boolean {
  return before?.from.id === message.from.id && message.at.getTime() - before.at.getTime() < groupMs;
}

export function createMessage(message: Message, continued: boolean): HTMLElement {
  const view = createView(message.from, message.text, message.at, continued);
  view.dataset["id"] = message.id;
  return view;
}

interface OutgoingActions {
  readonly onRetry: () => void;
  readonly onDiscard: () => void;
}

/** One's own message that has not come back from the server yet. */
export function createOutgoing(
  message: OutgoingMessage,
  from: Person,
  continued: boolean,
  { onRetry, onDiscard }: OutgoingActions,
): HTMLElement {
  const view = createView(from, message.text, message.at, continued);
  const state = find(".message-state", HTMLElement, view);
  if (message.problem === undefined) {
    view.classList.add("sending");
    state.textContent = "Sending…";
  } else {
    view.classList.add("unsent");
    state.append(`${message.problem} `, createAction("Try again", onRetry), createAction("Discard", onDiscard));
  }
  return view;
}

function createAction(label: string, onClick: () => void): HTMLButtonElement {
  const button = make("button", "text-button", label);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}

function createView(from: Person, text: string, at: Date, continued: boolean): HTMLElement {
  const template = find("#message-template", HTMLTemplateElement);
  const view = find(".message", HTMLElement, document.importNode(template.content, true));
  view.classList.toggle("continued", continued);
  view.style.setProperty("--hue", String(hue(from.id)));
  paintAvatar(find(".avatar", HTMLElement, view), from);
  find(".message-author", HTMLElement, view).textContent = from.name;
  find(".message-text", HTMLElement, view).textContent = text;
  const time = find(".message-time", HTMLTimeElement, view);
  time.textContent = timeOf(at);
  time.title = fullTimeOf(at);
  time.dateTime = at.toISOString();
  return view;
}
