const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });

/** Hours and minutes, as the reader's country writes them. */
export function timeOf(date: Date): string {
  return time.format(date);
}

/** "Today", "Yesterday", or the day by name. */
export function dayOf(date: Date, now: Date = new Date()): string {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return "Today";
  if (date.toDateString() === yesterday.toDateString()) return "Yesterday";
  return day.format(date);
}

/** Date and time to the second, for whoever looks closer. */
export function fullTimeOf(date: Date): string {
  return full.format(date);
}
