/**
 * The globals this package may use: what browsers, Node, Deno, Bun and workers all have, in the shape used here and no more.
 * Only tsconfig.src.json reads this file. Whoever imports the package has its own declarations of them, from the DOM's
 * library or from Node's types, so these never meet them.
 */

interface AbortListener {
  handleEvent(): void;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(
    type: "abort",
    listener: (() => void) | AbortListener,
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(type: "abort", listener: (() => void) | AbortListener): void;
}

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare const AbortController: { new (): AbortController };

declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<T>(value: T): T;
declare function setTimeout(callback: () => void, delayMs?: number): unknown;
declare function clearTimeout(handle: unknown): void;

interface URL {
  readonly href: string;
}

declare const URL: { new (url: string, base?: string | URL): URL };

interface TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare const TextEncoder: { new (): TextEncoder };

interface TextDecoder {
  decode(bytes: Uint8Array): string;
}

declare const TextDecoder: { new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder };

declare const console: { error(...data: unknown[]): void; warn(...data: unknown[]): void };

declare function btoa(units: string): string;
declare function atob(base64: string): string;
