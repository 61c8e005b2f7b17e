/** Runs a callback of the user's as event targets do: its error is uncaught, and the caller goes on. */
export function report(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
