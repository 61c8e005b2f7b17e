import { rich } from "@tautline/core";
import { type AnyTRPCRouter, initTRPC } from "@trpc/server";
import { isContractRouter } from "./implement.ts";

type Transformer = AnyTRPCRouter["_def"]["_config"]["transformer"];

const noTransformer: Transformer = initTRPC.create({ allowOutsideOfServer: true })._config.transformer;

/**
 * The router's transformer. A contract's client speaks `rich` unless told otherwise; where its router was made without a
 * transformer, the contract holds nothing that JSON would change, but an optional property may be there as undefined, which
 * `rich` marks: so it is read with `rich`, and answered in plain JSON, which `rich` is too.
 */
export function routerTransformer(router: AnyTRPCRouter): Transformer {
  const { transformer } = router._def._config;
  return transformer === noTransformer && isContractRouter(router) ? { input: rich, output: transformer.output } : transformer;
}
