/**
 * Scenarios on which a reference implementation of the plant and of the baselines has been run, in Python with numpy: its
 * figures are in test/judge/agreed.json, means over the seeds 7 to 11.
 */
import * as Result from "effect/Result"
import { patternScenario } from "#judge/scenarios"
import type { Scenario } from "#workload/Load"
import { PLANTS, WEB } from "#workload/Workload"

const SECONDS = 5_400

const of = (name: string, plant: string, pattern: string, minReplicas = 1) => ({
  name,
  scenario: {
    ...Result.getOrThrow(
      patternScenario(pattern, { ...WEB, ...PLANTS[plant], minReplicas }, SECONDS, `agreed/${name}`)
    ),
    name
  } satisfies Scenario
})

export const AGREED = [
  of("day", "web", "diurnal:day=3600"),
  of("spikes", "fast", "spike:height=3,every=1800"),
  of("steps", "jvm", "step:every=900"),
  of("mail", "queue", "diurnal:day=2700"),
  of("onoff", "queue", "onoff:on=300,off=900", 0)
]
