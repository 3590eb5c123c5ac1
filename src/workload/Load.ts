/**
 * What comes over a workload in a run, second by second and the same for every policy: the rate that is expected, what
 * arrives of it, how pods drift, and which metrics are lost.
 */
import { chance } from "./Chance.ts"
import type { Traffic } from "./patterns.ts"
import type { Seed } from "./words.ts"
import { capacityOf, factorAt, type LostMetrics, type Workload } from "./Workload.ts"

export interface Scenario {
  readonly name: string
  readonly workload: Workload
  /** Per second. */
  readonly traffic: Traffic
  readonly seconds: number
}

export interface Load {
  readonly name: string
  readonly workload: Workload
  readonly seconds: number
  readonly seed: Seed
  readonly rates: Float64Array
  readonly arrivals: Float64Array
  /** How many times the usual that a pod serves. */
  readonly factors: Float64Array
  /** By which the use of the CPU is measured wrong. */
  readonly noise: Float64Array
  /** 1: what is scraped in this second does not arrive. */
  readonly lost: Uint8Array
}

const CPU_NOISE = 0.03
const LOST_TOGETHER_SECONDS = 15

const lostOf = ({ blackouts, share }: LostMetrics, seconds: number, seed: Seed): Uint8Array => {
  const lost = new Uint8Array(seconds)
  const { uniform } = chance(seed, "lost")
  for (let from = 0; share > 0 && from < seconds; from += LOST_TOGETHER_SECONDS) {
    if (uniform() < share) lost.fill(1, from, from + LOST_TOGETHER_SECONDS)
  }
  for (const { fromSeconds, seconds } of blackouts) lost.fill(1, fromSeconds, fromSeconds + seconds)
  return lost
}

export const loadOf = ({ name, seconds, traffic, workload }: Scenario, seed: Seed): Load => {
  const own = `${seed}/${name}`
  const { poisson } = chance(own, "arrivals")
  const { normal } = chance(own, "noise")
  const rates = Float64Array.from({ length: seconds }, (_, second) => traffic(second))
  return {
    name,
    workload,
    seconds,
    seed: own,
    rates,
    arrivals: rates.map((rate) => poisson(rate)),
    factors: rates.map((_, second) => factorAt(workload, second)),
    noise: rates.map(() => 1 + CPU_NOISE * normal()),
    lost: lostOf(workload.lost, seconds, own)
  }
}

const FIRST_SECONDS = 60
const USUAL_UTILIZATION = 0.7

/** With which a run begins: what its first minute needs. */
export const firstReplicas = ({ rates, workload }: Load): number => {
  const first = rates.subarray(0, FIRST_SECONDS)
  const mean = first.reduce((sum, rate) => sum + rate, 0) / Math.max(1, first.length)
  const fits = Math.ceil(mean / (capacityOf(workload) * USUAL_UTILIZATION))
  return Math.min(workload.maxReplicas, Math.max(workload.minReplicas, 1, fits))
}
