import { type Rich, rich } from "@tautline/core";

/** How many events of topics the servers of this process have written, for a call or for many. */
export const written: { events: number } = { events: 0 };

/** The servers' transformer, which counts. */
export const transformer: Rich = {
  ...rich,
  serialize: (value) => {
    if (isEvent(value)) written.events++;
    return rich.serialize(value);
  },
};

function isEvent(value: unknown): boolean {
  return typeof value === "object" && value !== null && "key" in value && "padding" in value;
}
