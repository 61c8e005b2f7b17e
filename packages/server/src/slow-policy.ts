/** What becomes of a subscriber that does not keep up. */
export type SlowPolicy = "buffer" | "latest" | "close";
