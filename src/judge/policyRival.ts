/** A policy of ours as one who takes part: the metrics of a workload as the decider protocol sends them, the operator's pipeline. */
import type { Memory } from "#schemas/Memory"
import type { Plant } from "#workload/Plant"
import { Decider } from "./Decider.ts"
import { measureOf, readingOf, type Metrics } from "./measures.ts"
import type { PolicyFile } from "./policyFile.ts"
import type { MakeRival } from "./Rival.ts"

/** The product asks for its own numbers, so they are no older than this. */
const SCRAPE_SECONDS = 5
const WINDOW_MAX_SECONDS = 15

/** Metrics of a moment; undefined when the scrape was lost. */
export const metricsOf = (plant: Plant, intervalSeconds: number): Metrics | undefined => {
  const window = Math.max(SCRAPE_SECONDS, Math.min(intervalSeconds, WINDOW_MAX_SECONDS))
  const seen = plant.scraped(SCRAPE_SECONDS, window)
  if (seen === undefined) return undefined
  return {
    rps: seen.rps,
    servedRps: seen.servedRps,
    cpuUtilisation: seen.utilization,
    memUtilisation: seen.memoryUtilization,
    queueLength: seen.waiting,
    concurrency: seen.concurrency,
    readyAvg: seen.readyAvg,
    errorRate: seen.errorRate,
    p95LatencyMs: 1000 * seen.p95Seconds,
    badFraction: seen.badFraction,
    ageSeconds: plant.second - seen.at
  }
}

/** A second is the shortest time that the plant knows. */
export const intervalSecondsOf = ({ policy }: PolicyFile): number =>
  Math.max(1, Math.round(policy.intervalMillis / 1000))

/** `remembered`: told of the memory after each decision. */
export const policyRival = (file: PolicyFile, remembered?: (memory: Memory) => void): MakeRival => {
  const intervalSeconds = intervalSecondsOf(file)
  const measures = new Map(file.policy.signals.map((signal) => [signal, measureOf(signal)]))
  return () => {
    const decider = new Decider(file)
    let ticks = 0
    let reason = ""
    return {
      intervalSeconds,
      decide: (plant) => {
        ticks += 1
        const at = plant.second * 1000
        const metrics = metricsOf(plant, intervalSeconds)
        const decision = decider.decide({
          at,
          replicas: plant.desired,
          ready: plant.ready,
          pods: plant.ready + plant.starting,
          seed: ticks,
          reading: (signal) => readingOf(measures.get(signal) ?? measureOf(signal), metrics, at)
        })
        if (decider.memory !== undefined) remembered?.(decider.memory)
        reason = decision.reason
        return decision.desired
      },
      reason: () => reason
    }
  }
}
