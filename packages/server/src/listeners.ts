/** Those who listen now, one by one: whoever comes meanwhile hears of the next, and whoever leaves before its turn of nothing. */
export function* listenersOf<T>(listeners: ReadonlySet<T> | undefined): Generator<T, void> {
  for (const listener of Array.from(listeners ?? [])) if (listeners?.has(listener) === true) yield listener;
}
