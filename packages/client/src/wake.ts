interface Host {
  /** Every host has it; the rest is there in browsers alone. */
  readonly setTimeout: unknown;
  addEventListener?(type: string, listener: () => void): void;
  readonly document?: { readonly visibilityState: string; addEventListener(type: string, listener: () => void): void };
}

/** Calls back when the network is there again, or the page is looked at again. Nothing of that happens outside of browsers. */
export function onWake(wake: () => void): void {
  const host: Host = globalThis;
  host.addEventListener?.("online", wake);
  host.document?.addEventListener("visibilitychange", () => {
    if (host.document?.visibilityState === "visible") wake();
  });
}
