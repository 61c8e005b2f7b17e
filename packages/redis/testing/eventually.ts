/** Waits for something that only the server knows, or decides. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 2_000; look++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`still not so: ${what}`);
}
