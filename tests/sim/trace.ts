import type { Frame } from "@tautline/core/internals";
import { textOf } from "@tautline/core/testing";

/** A frame as a trace shows it: in short, and the same each time. */
export function shortText(frame: Frame): string {
  const text = textOf(frame)
    // Epochs are random.
    .replace(/([";])[\w-]{8}[.](?=\d)/g, "$1epoch.")
    .replace(/x{20,}/g, (run) => `x*${run.length}`)
    .replace(/"(token|client)":"[^"]{20,}"/g, '"$1":"…"');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
