interface Options {
  readonly signal: AbortSignal;
}

interface Host {
  /** Every host has it; the rest is there in browsers alone. */
  readonly setTimeout: unknown;
  addEventListener?(type: string, listener: () => void, options: Options): void;
  readonly document?: {
    readonly visibilityState: string;
    addEventListener(type: string, listener: () => void, options: Options): void;
  };
}

/**
 * Calls back when the network is there again, or the page is looked at again. Nothing of that happens outside of browsers.
 *
 * @param signal ends it.
 */
export function onWake(wake: () => void, signal: AbortSignal): void {
  const host: Host = globalThis;
  const onVisibility = (): void => {
    if (host.document?.visibilityState === "visible") wake();
  };
  host.addEventListener?.("online", wake, { signal });
  host.document?.addEventListener("visibilitychange", onVisibility, { signal });
}
