/** One service for each engine that is built, all under the same load: who follows it how, side by side. */
import type { JsonObject } from "#cluster/api/json"
import { told } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"
import { isCompanion } from "#domain/Engine"
import { ENGINES } from "#engines/index"

/** A pod answers 40 a second at most. */
const PER_POD = "28"
const TARGET_MS = 500

/** Options for engines whose example speaks of something that this service does not have. */
const OPTIONS: Readonly<Record<string, unknown>> = {
  step: {
    rules: [{ signal: "cpu", up: { op: "gt", thresholdMilli: 70_000 }, downBelowMilli: 45_000 }],
    up: "ratio",
    down: "one",
    downAfterSeconds: 120
  }
}

const names = Object.values(ENGINES)
  .filter(({ built }) => built)
  .map(({ name }) => name)

const workloadOf = (engine: string): string => `by-${engine}`

const p95 = (app: string): string =>
  `1000 * histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{app="${app}"}[30s])))`

const policyOf = (engine: string): JsonObject => {
  const name = workloadOf(engine)
  const own = { [engine]: OPTIONS[engine] ?? ENGINES[engine as keyof typeof ENGINES].example }
  // Every option that an engine has is JSON: its example, as the CRD shows it.
  const engines = (isCompanion(engine) ? [{ target: {} }, own] : [own]) as ReadonlyArray<JsonObject>
  // The engine slo looks at milliseconds, auto at the share of what took too long.
  const latency = engine === "slo" ? { query: p95(name) } : {}
  return {
    apiVersion: "nimbusguard.io/v1",
    kind: "ScalingPolicy",
    metadata: { name, namespace: "default" },
    spec: {
      target: { apiVersion: "apps/v1", kind: "Deployment", name },
      interval: "5s",
      scaling: { minReplicas: 1, maxReplicas: 20 },
      signals: told(name, TARGET_MS).map((signal) =>
        signal["name"] === "requests" ? { ...signal, target: { type: "AverageValue", value: PER_POD } } : signal
      ),
      objectives: { latency: { targetMs: TARGET_MS, goodFraction: 0.99, ...latency } },
      engines: [...engines]
    }
  }
}

export const everyEngine: Scenario = {
  says: "one service for each engine, all under the same load, side by side",
  policies: names.map(policyOf),
  workloads: names.map((engine) => ({
    name: workloadOf(engine),
    replicas: 2,
    plant: { startupSeconds: 10 },
    traffic: { pattern: "flash:every=480,rise=60,stay=120,height=2", rate: 100 }
  }))
}
