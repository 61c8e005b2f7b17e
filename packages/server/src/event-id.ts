import { createHash } from "node:crypto";
import type { Position } from "./broker.ts";

/** An event's id, as subscribers see it: `epoch.offset`. */
export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}.${offset}`;
}

/** The end of a gap's id after which a snapshot has not been given yet: whoever goes on there begins with it. */
export const snapshotDue = "!";

/** The position that an id stands for; undefined where it is none. */
export function parsePosition(id: string): Position | undefined {
  const [, epoch, digits] = /^([\w-]{1,64})\.(\d{1,16})!?$/.exec(id) ?? [];
  const offset = Number(digits);
  return epoch === undefined || !Number.isSafeInteger(offset) ? undefined : { epoch, offset };
}

/** Ids of what follows several keys: where it is in each of them. One that was made for other keys is none. */
export class PositionList {
  readonly #start: string;
  readonly #count: number;

  /** @param keys in any order, but the same whenever positions are listed. */
  constructor(keys: readonly string[]) {
    const digest = createHash("sha256").update(JSON.stringify(keys)).digest("base64url");
    this.#start = `${digest.slice(0, 12)};`;
    this.#count = keys.length;
  }

  /** An epoch is written once where several in a row have the same. */
  format(positions: readonly Position[]): string {
    let last: string | undefined;
    const parts = positions.map(({ epoch, offset }) => {
      const part = `${epoch === last ? "" : epoch}.${offset}`;
      last = epoch;
      return part;
    });
    return this.#start + parts.join(";");
  }

  parse(id: string): readonly Position[] | undefined {
    if (!id.startsWith(this.#start)) return undefined;
    const parts = id.slice(this.#start.length).split(";", this.#count + 1);
    const positions: Position[] = [];
    for (const part of parts) {
      const position = parsePosition(part.startsWith(".") ? `${positions.at(-1)?.epoch ?? ""}${part}` : part);
      if (position === undefined) return undefined;
      positions.push(position);
    }
    return positions.length === this.#count ? positions : undefined;
  }
}
