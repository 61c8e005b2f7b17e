import { type Contract, findProcedure, SchemaError, TautlineError, validate } from "@tautline/core";

/**
 * For `createClient({ contract, checkInput })`: checks an input before it is sent, which saves the way to the server and back. What
 * is sent is the input as it was given: the server's own check is the one that counts, and a schema that transforms must do so
 * once.
 *
 * @returns undefined where it fits; else a promise, which rejects with `BAD_REQUEST` (the schema's error is its cause) unless an
 * asynchronous schema finds that it fits.
 */
export function checkInput(contract: Contract, path: string, input: unknown): Promise<void> | undefined {
  const schema = findProcedure(contract, path)?.input;
  if (schema === undefined) return undefined;
  try {
    const checked = validate(schema, input);
    return checked instanceof Promise ? checked.then(ignore, (thrown: unknown) => refuse(path, thrown)) : undefined;
  } catch (thrown) {
    return Promise.reject(badInput(path, thrown));
  }
}

function ignore(): void {}

function refuse(path: string, thrown: unknown): never {
  throw badInput(path, thrown);
}

function badInput(path: string, cause: unknown): TautlineError {
  const message = cause instanceof SchemaError ? cause.message : "the input's schema failed";
  const data = { code: "BAD_REQUEST", httpStatus: 400, path };
  return new TautlineError({ code: "BAD_REQUEST", message, cause, shape: { message, code: -32600, data } });
}
