/** A change to the product's sources that the simulation has to notice. */
export interface PlantedBug {
  readonly name: string;
  /** Each text stands exactly once in its file, or the bug cannot be planted. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

/** One with a single edit. */
export function bug(name: string, file: string, from: string, to: string): PlantedBug {
  return { name, edits: [{ file, from, to }] };
}
