/** The registry of scenarios, one line each; `--help` and the tests loop over it. */
import { badRollout } from "#cli/dev/scenarios/badRollout"
import { usual } from "#cli/dev/scenarios/default"
import { everyEngine } from "#cli/dev/scenarios/engines"
import { flashCrowd } from "#cli/dev/scenarios/flashCrowd"
import { metricsOutage } from "#cli/dev/scenarios/metricsOutage"
import { nightAndDay } from "#cli/dev/scenarios/nightAndDay"
import { queueBurst } from "#cli/dev/scenarios/queueBurst"
import type { Scenario } from "#cli/dev/scenarios/Scenario"
import { everySource } from "#cli/dev/scenarios/sources"

export const SCENARIOS = {
  default: usual,
  "flash-crowd": flashCrowd,
  "queue-burst": queueBurst,
  "night-and-day": nightAndDay,
  "metrics-outage": metricsOutage,
  "bad-rollout": badRollout,
  "every-engine": everyEngine,
  "every-source": everySource
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS
