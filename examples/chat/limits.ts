/** The bounds of the chat. Lengths are in UTF-16 code units, as `maxlength` in HTML counts. */
export const limits = {
  idLength: 64,
  nameLength: 24,
  roomNameLength: 24,
  messageLength: 2000,
  /** Rooms at one time; they are never removed. */
  rooms: 50,
  /** Messages kept for each room; the oldest go first. */
  history: 200,
  /** Names in a list of people, whether online or typing. */
  people: 100,
  /** How long somebody counts as typing after the last sign of it. */
  typingMs: 4000,
} as const;
