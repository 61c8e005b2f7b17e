/** At most this many of a schema's issues are sent. */
const maxIssues = 20;
/** An error message that is about input is cut to this length, in UTF-16 units. */
const maxMessageLength = 8_000;
/** One issue that is itself too long keeps this much of its message. */
const maxIssueMessageLength = 1_000;

/**
 * Shortens the message of an input error. tRPC's message is the JSON of all issues, and a client's input decides how
 * many there are; the first ones are kept, with a last issue that says how many more there were, so that it stays the
 * JSON array that clients parse. A message that is no such array is cut, with a note.
 */
export function shortenIssues(message: string, issues: unknown): string {
  const isIssueList = Array.isArray(issues) && message.startsWith("[");
  if (!isIssueList) return cutText(message);
  return issues.length > maxIssues || message.length > maxMessageLength ? firstIssues(issues) : message;
}

function cutText(message: string): string {
  if (message.length <= maxMessageLength) return message;
  return `${message.slice(0, maxMessageLength)}… and ${message.length - maxMessageLength} more characters`;
}

function firstIssues(issues: readonly unknown[]): string {
  const kept: unknown[] = [];
  let length = 0;
  for (const issue of issues.slice(0, maxIssues)) {
    length += stringify(issue).length;
    if (length > maxMessageLength) break;
    kept.push(issue);
  }
  if (kept.length === 0) kept.push(shortIssue(issues[0]));
  const more = issues.length - kept.length;
  if (more > 0) kept.push({ code: "custom", path: [], message: `and ${more} more issues` });
  return stringify(kept);
}

function shortIssue(issue: unknown): object {
  const { code = "custom", message } = Object(issue) as { code?: unknown; message?: unknown };
  return { code: String(code), path: [], message: String(message).slice(0, maxIssueMessageLength) };
}

/** As zod writes issues: indented, and a bigint (the bound of a `z.bigint().min(…)`) as a string. */
function stringify(value: unknown): string {
  const json: string | undefined = JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item),
    2,
  );
  return json ?? "";
}
