import { find } from "@tautline/example-page/browser";
import { Person } from "../api.ts";
import { limits } from "../limits.ts";
import { randomId } from "./random-id.ts";

const key = "tautline-chat";

/**
 * Who this tab is. A reloaded tab is who it was, the first tab of a later visit who the last one was; any further tab
 * at the same time asks for a name of its own, so that one can talk to oneself.
 */
export async function identify(): Promise<Person> {
  const known = read(sessionStorage) ?? ((await isFirstTab()) ? read(localStorage) : undefined);
  const person = known ?? (await ask());
  store(sessionStorage, person);
  if (await isFirstTab()) store(localStorage, person);
  return person;
}

/** Asks for another name; the person stays the same. */
export async function rename(person: Person): Promise<Person> {
  const name = await askName({
    title: "Another name",
    text: "How should the others see you? What you have said so far keeps the name it was said under.",
    action: "Change it",
    value: person.name,
  });
  if (name === undefined) return person;
  const renamed = { ...person, name };
  store(sessionStorage, renamed);
  if (await isFirstTab()) store(localStorage, renamed);
  return renamed;
}

async function ask(): Promise<Person> {
  const text = (await isFirstTab())
    ? "Pick a name, and the others will see you by it. There is nothing else to fill in."
    : "You are here in another tab already. Join as somebody else, and talk to yourself.";
  let name: string | undefined;
  // Escape closes the dialog, and without a name there is nobody to be.
  while (name === undefined)
    name = await askName({ title: "Welcome aboard", text, action: "Join the chat", value: "" });
  return { id: randomId(), name };
}

interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly value: string;
}

/** The name that was given; none where the dialog was closed instead. */
function askName({ title, text, action, value }: Question): Promise<string | undefined> {
  const dialog = find(".welcome", HTMLDialogElement);
  const input = find("#name", HTMLInputElement);
  find("#welcome-title", HTMLElement).textContent = title;
  find("#welcome-text", HTMLElement).textContent = text;
  find("button", HTMLButtonElement, dialog).textContent = action;
  input.maxLength = limits.nameLength;
  input.value = value;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const onClose = (): void => {
      const name = input.value.trim();
      resolve(dialog.returnValue === "named" && name !== "" ? name : undefined);
    };
    dialog.addEventListener("close", onClose, { once: true });
  });
}

let firstTab: Promise<boolean> | undefined;

/** Whether no other tab of this browser holds the lock, which this one then keeps until it is closed. */
function isFirstTab(): Promise<boolean> {
  firstTab ??= new Promise((resolve) => {
    // Only pages on https or localhost have locks.
    if (!("locks" in navigator)) return resolve(true);
    void navigator.locks.request(key, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise<never>(() => {});
    });
  });
  return firstTab;
}

function read(storage: Storage): Person | undefined {
  try {
    return Person.parse(JSON.parse(storage.getItem(key) ?? ""));
  } catch {
    return undefined;
  }
}

function store(storage: Storage, person: Person): void {
  storage.setItem(key, JSON.stringify(person));
}
