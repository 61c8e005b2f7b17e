import type { HistoryPage, Position, PositionGap, StoredEvent } from "@tautline/server";

/** A page of a log, and whether there may be more after it. */
export interface LogPage extends HistoryPage {
  readonly cut: boolean;
}

/** What the read script's answer says. @param know gives the string that stands for an epoch. */
export function toLogPage(reply: unknown, after: Position | undefined, know: (epoch: string) => string): LogPage {
  const [told, clock, cutFlag, from, known, first, ...flat] = reply as [string, ...(string | number)[]];
  const epoch = know(told);
  const cut = cutFlag === 1;
  const events: StoredEvent[] = [];
  for (let index = 0; index < flat.length; index += 2)
    events.push({ position: { epoch, offset: Number(flat[index]) }, text: String(flat[index + 1]) });
  if (after === undefined) events.reverse();
  const end = (cut ? events.at(-1)?.position : undefined) ?? { epoch, offset: Number(clock) };
  const missing = known !== 1 || Number(first) > Number(from);
  const to: Position = { epoch, offset: Math.max(Number(first), Number(from)) };
  const gap: PositionGap | undefined = after !== undefined && missing ? { from: after, to } : undefined;
  return { events, gap, end, cut };
}
