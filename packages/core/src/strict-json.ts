import { defaultMaxDepth } from "./options.ts";
import { badMessage } from "./protocol.ts";

/**
 * Parses what a stranger sent: nesting deeper than `maxDepth` is refused before anything is parsed, and keys that reach for
 * prototypes are left out at every level. Of keys that are there twice the last counts, as in JSON.parse.
 *
 * @throws TautlineError `BAD_MESSAGE` where it nests too deep; what JSON.parse throws.
 */
export function parseStrictly(text: string, maxDepth: number = defaultMaxDepth): unknown {
  if (deeperThan(text, maxDepth)) throw badMessage(`a frame nests ${maxDepth} levels at most`);
  return mayHoldHostileKeys(text) ? JSON.parse(text, dropHostileKeys) : JSON.parse(text);
}

/** A key may be written with escapes, so any escape of a code unit is a reason to look closer. */
function mayHoldHostileKeys(text: string): boolean {
  return text.includes('"__proto__"') || text.includes('"constructor"') || text.includes("\\u");
}

/** `__proto__`, and `constructor` where it holds a `prototype`, are left out at every level. */
function dropHostileKeys(key: string, value: unknown): unknown {
  if (key === "__proto__") return undefined;
  if (key === "constructor" && typeof value === "object" && value !== null && Object.hasOwn(value, "prototype")) {
    return undefined;
  }
  return value;
}

const quote = 34;
const backslash = 92;

/**
 * Whether brackets nest deeper than `maxDepth`, before anything is parsed: JSON.parse takes tens of thousands of levels, which
 * overflow the stack of whoever walks them later. Strings are skipped by native search.
 */
function deeperThan(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === quote) {
      index = endOfString(text, index);
      if (index === -1) return false;
    } else if (unit === 91 || unit === 123) {
      if (++depth > maxDepth) return true;
    } else if (unit === 93 || unit === 125) {
      depth--;
    }
  }
  return false;
}

/** The index of the quote that ends the string that starts at `start`, or -1: then it is no JSON, as parsing will say. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}
