import { followTests } from "./broker-conformance/follows.ts";
import { groupTests } from "./broker-conformance/groups.ts";
import type { BrokerTest } from "./broker-conformance/harness.ts";
import { logTests } from "./broker-conformance/logs.ts";

export type { BrokerHarness, BrokerTest } from "./broker-conformance/harness.ts";

/**
 * What every broker has to do, as tests for any runner: each takes a harness of its own, whose backend is empty, and rejects where the
 * broker does something else. One that `needs` what a harness has not is to be skipped.
 */
export const brokerConformance: readonly BrokerTest[] = [...logTests, ...followTests, ...groupTests];
