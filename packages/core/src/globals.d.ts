/**
 * The globals that every runtime has (browsers, Node, Deno, Bun, workers), in the shape this package uses.
 * Only tsconfig.src.json includes this file: whoever imports the package brings the DOM's or Node's own declarations.
 */
declare function queueMicrotask(callback: () => void): void;
