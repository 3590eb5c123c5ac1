/**
 * The project's own scenarios: what people have, in kinds of services, shapes of traffic and times. Each needs about ten
 * pods on average and fifty at most, so that none weighs more than another.
 */
import * as Result from "effect/Result"
import type { Scenario } from "#workload/Load"
import { patternOf } from "#workload/patternText"
import { capacityOf, PLANTS, WEB, type LostMetrics, type Workload } from "#workload/Workload"

/** What the usual rate of a pattern keeps busy, so that ten pods are used by 70 %; of few pods that may run, a sixth. */
const USUAL_PODS = 7
const USUAL_SHARE = 1 / 6
/** No pattern asks for more than this share of what may run, so that its peaks can be served. */
const PEAK_SHARE = 0.7

const usualRate = (workload: Workload): number =>
  Math.min(USUAL_PODS, workload.maxReplicas * USUAL_SHARE) * capacityOf(workload)

/** A pattern around `rate` requests or messages per second, or what its pods like to serve; the failure says what is wrong. */
export const patternScenario = (
  pattern: string,
  workload: Workload,
  seconds: number,
  seed: string,
  rate = usualRate(workload)
): Result.Result<Scenario, string> =>
  Result.map(patternOf(pattern, seed), ({ name, traffic }) => {
    const most = PEAK_SHARE * workload.maxReplicas * capacityOf(workload)
    return {
      name,
      workload,
      seconds,
      traffic: (second) => Math.min(rate * traffic(second), Math.max(rate, most))
    }
  })

/** A name, a plant, a pattern and hours. */
const OWN: ReadonlyArray<readonly [name: string, plant: string, pattern: string, hours: number]> = [
  ["web-steady", "web", "steady", 3],
  ["web-day", "web", "diurnal:day=14400", 12],
  ["web-spikes", "web", "spike:height=3", 6],
  ["web-ramps", "web", "ramp", 4],
  ["web-bursts", "web", "burst", 3],
  ["web-outages", "web", "outage", 6],
  ["fast-week", "fast", "week:day=7200", 14],
  ["fast-noise", "fast", "noise", 6],
  ["fast-spikes", "fast", "spike:rise=60,fade=600", 6],
  ["jvm-flash", "jvm", "flash", 6],
  ["jvm-steps", "jvm", "step", 6],
  ["jvm-growth", "jvm", "growth", 5],
  ["jvm-hourly", "jvm", "hourly", 6],
  ["llm-noise", "llm", "noise:scale=900", 5],
  ["llm-day", "llm", "diurnal:day=10800", 9],
  ["queue-day", "queue", "diurnal:day=14400", 12],
  ["queue-spikes", "queue", "spike:height=3", 6],
  ["queue-onoff", "queue", "onoff", 6],
  ["batch-hourly", "batch", "onoff:on=900,off=2700", 8]
]

/** Queues that are empty for long may have no pod at all. */
const ZERO_PATTERNS = /^onoff/u

export const ownScenarios = (seed: string): ReadonlyArray<Scenario> =>
  OWN.flatMap(([name, plant, pattern, hours]) => {
    const usual = PLANTS[plant] ?? WEB
    const workload = ZERO_PATTERNS.test(pattern) ? { ...usual, minReplicas: 0 } : usual
    const made = patternScenario(pattern, workload, hours * 3600, `${seed}/${name}`)
    return Result.isSuccess(made) ? [{ ...made.success, name }] : []
  })

/** From 30 % of the run on a pod serves 0.7 of what it did, from 70 % on 1.2 times. */
export const drifting = (scenario: Scenario): Scenario => ({
  ...scenario,
  workload: {
    ...scenario.workload,
    drift: [
      { fromSeconds: Math.floor(0.3 * scenario.seconds), factor: 0.7 },
      { fromSeconds: Math.floor(0.7 * scenario.seconds), factor: 1.2 }
    ]
  }
})

const BLACKOUT_SECONDS = 300

/** Every tenth scrape is lost, and for five minutes all of them. */
export const losing = (scenario: Scenario): Scenario => {
  const lost: LostMetrics = {
    share: 0.1,
    blackouts: [{ fromSeconds: Math.floor(0.5 * scenario.seconds), seconds: BLACKOUT_SECONDS }]
  }
  return { ...scenario, workload: { ...scenario.workload, lost } }
}
