/** Word that events may be missing: those after `from` and up to `to`. What comes next is after `to`. */
export class Gap {
  /** The id that was seen last. */
  readonly from: string;
  readonly to: string;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }
}
