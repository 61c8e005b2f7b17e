/** The bounds of what the server keeps. */
export const limits = {
  /** In UTF-16 code units. */
  nameLength: 200,
  fileBytes: 512 * 1024 * 1024,
  /** Of all files together, those that are on their way included. */
  storeBytes: 1024 * 1024 * 1024,
  files: 100,
} as const;
