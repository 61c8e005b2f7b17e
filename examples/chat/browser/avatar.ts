import { make } from "@tautline/example-page/browser";
import type { Person } from "../api.ts";

/** A disc with somebody's initials, in a colour that is theirs in every browser. */
export function createAvatar(person: Person): HTMLElement {
  const avatar = make("span", "avatar");
  paintAvatar(avatar, person);
  return avatar;
}

export function paintAvatar(avatar: HTMLElement, person: Person): void {
  avatar.textContent = initials(person.name);
  avatar.ariaHidden = "true";
  avatar.style.setProperty("--hue", String(hue(person.id)));
}

/** In degrees. */
export function hue(id: string): number {
  let hash = 0;
  for (const letter of id) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  // Twelve hues, so that two people's colours differ clearly or not at all.
  return (hash % 12) * 30;
}

function initials(name: string): string {
  const words = name.split(/\s+/u);
  const last = words.length > 1 ? words.at(-1) : undefined;
  return (firstLetter(words[0]) + firstLetter(last)).toUpperCase();
}

/** What a reader takes for one letter may be several code points: an accent, a flag. */
function firstLetter(word = ""): string {
  const [first] = new Intl.Segmenter().segment(word);
  return first?.segment ?? "";
}
