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
  const value: unknown = JSON.parse(text);
  if (mayHoldHostileKeys(text)) removeHostileKeys(value);
  return value;
}

/**
 * A key may be written with escapes, so any escape of a code unit is a reason to look closer. The quotes that begin the keys are
 * left out: a search for something that starts with a quote stops at every string, and takes up to 20 times as long.
 */
function mayHoldHostileKeys(text: string): boolean {
  return text.includes('__proto__"') || text.includes('constructor"') || text.includes("\\u");
}

/**
 * Takes `__proto__`, and `constructor` where it holds a `prototype`, off every object. This about doubles the time that JSON.parse
 * takes; a reviver that did the same took up to twenty times as long, 0.2 s for a frame of 1 MiB.
 */
function removeHostileKeys(value: unknown): void {
  if (!isObject(value)) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) removeHostileKeys(value[index]);
    return;
  }
  if (Object.hasOwn(value, "__proto__")) delete value["__proto__"];
  if (Object.hasOwn(value, "constructor") && hasPrototype(value["constructor"])) delete value["constructor"];
  for (const key in value) removeHostileKeys(value[key]);
}

function hasPrototype(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, "prototype");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const quote = 34;
const backslash = 92;

/**
 * Whether brackets nest deeper than `maxDepth`, before anything is parsed: JSON.parse takes tens of thousands of levels, which
 * overflow the stack of whoever walks them later. Strings are skipped by native search.
 */
function deeperThan(text: string, maxDepth: number): boolean {
  if (!hasMoreBrackets(text, maxDepth)) return false;
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

/** Whether more than `most` brackets open, in strings or not: native search is many times faster than looking at each character. */
function hasMoreBrackets(text: string, most: number): boolean {
  if (text.length <= most) return false;
  let left = most;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) if (--left < 0) return true;
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
