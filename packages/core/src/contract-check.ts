import { type Contract, type ContractProcedure, isProcedure } from "./contract.ts";
import { isSchema } from "./schema.ts";

/** A contract, or what was built from one, is not as it has to be. Thrown at start, never while serving. */
export class ContractError extends Error {
  override readonly name = "ContractError";
  /** Where in the contract, with dots. */
  readonly path: string;

  constructor(path: string, problem: string) {
    super(path === "" ? `The contract ${problem}` : `"${path}" ${problem}`);
    this.path = path;
  }
}

/**
 * Looks a contract over, as a server does at start.
 *
 * @throws {ContractError} for a name that cannot be one (empty, with a dot, `__proto__`, `then`, `call`, `apply`; at
 *   the top `connection`), for a value that is neither a procedure nor a record of them, and for an `input` or `output`
 *   that is not a Standard Schema.
 */
export function checkContract(contract: Contract): void {
  checkNode(contract, "");
}

// A promise of a client would call `then`; functions, as clients and callers are, have `call` and `apply`.
const reservedNames: ReadonlySet<string> = new Set(["then", "call", "apply"]);
// `client.connection` is the connection.
const reservedTopNames: ReadonlySet<string> = new Set(["connection"]);

function checkNode(node: unknown, path: string): void {
  if (!isRecord(node)) throw new ContractError(path, "is neither a procedure nor a record of procedures");
  for (const name of Reflect.ownKeys(node)) {
    const childPath = path === "" ? String(name) : `${path}.${String(name)}`;
    checkName(name, path, childPath);
    const child = node[name];
    if (isProcedure(child)) checkProcedure(child, childPath);
    else checkNode(child, childPath);
  }
}

function checkName(name: string | symbol, parentPath: string, path: string): asserts name is string {
  if (typeof name === "symbol") throw new ContractError(path, "has a symbol for a name");
  if (name === "") throw new ContractError(parentPath, "has a procedure with an empty name");
  if (name.includes(".")) throw new ContractError(path, `has a dot in the name "${name}": nest records instead`);
  if (name === "__proto__" || reservedNames.has(name) || (parentPath === "" && reservedTopNames.has(name))) {
    throw new ContractError(path, `uses the reserved name "${name}"`);
  }
}

function checkProcedure(procedure: ContractProcedure, path: string): void {
  for (const side of ["input", "output"] as const) {
    if (procedure[side] !== undefined && !isSchema(procedure[side])) {
      throw new ContractError(path, `has an ${side} that is not a Standard Schema`);
    }
  }
}

function isRecord(value: unknown): value is Readonly<Record<string | symbol, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isSchema(value);
}
