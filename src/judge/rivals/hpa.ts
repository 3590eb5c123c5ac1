/**
 * The HorizontalPodAutoscaler on CPU with nothing set: a sync every 15 s, 10 % tolerance, metrics of the last 30 s, the
 * largest recommendation of 300 s, and at most max(2 x current, 4). Pods that are not ready count as idle on the way up.
 */
import type { Plant, Scraped } from "#workload/Plant"
import type { MakeRival } from "../Rival.ts"
import { type Stabilizer, stabilizer } from "./stabilizer.ts"

export const TOLERANCE = 0.1
export const SYNC_SECONDS = 15
const SCRAPE_SECONDS = 15
const WINDOW_SECONDS = 30
const STABILIZATION_SECONDS = 300

const isNear = (ratio: number): boolean => Math.abs(ratio - 1) <= TOLERANCE

/** What its arithmetic asks for before any limit. */
export const byUtilization = (plant: Plant, { readyMin, utilization }: Scraped, target: number): number => {
  const current = plant.desired
  const measured = Math.trunc(readyMin)
  const unready = Math.max(0, plant.ready + plant.starting - measured)
  if (measured === 0) return current
  const ratio = utilization / target
  if (unready === 0 || ratio <= 1) return isNear(ratio) ? current : Math.ceil(ratio * measured)
  const diluted = (utilization * measured) / (measured + unready) / target
  if (isNear(diluted) || diluted < 1) return current
  return Math.max(current, Math.ceil(diluted * (measured + unready)))
}

export const withinRates = (plant: Plant, stabilize: Stabilizer, replicas: number): number => {
  const { maxReplicas, minReplicas } = plant.load.workload
  const most = Math.min(stabilize(plant.second, replicas), maxReplicas, Math.max(2 * plant.desired, 4))
  return Math.max(Math.max(1, minReplicas), most)
}

/** `ask` sees each recommendation first. */
export const hpaWith =
  (target: number, ask: (plant: Plant, replicas: number) => number): MakeRival =>
  () => {
    const stabilize = stabilizer(STABILIZATION_SECONDS)
    return {
      intervalSeconds: SYNC_SECONDS,
      decide: (plant) => {
        const scraped = plant.scraped(SCRAPE_SECONDS, WINDOW_SECONDS)
        if (scraped === undefined) return undefined
        return withinRates(plant, stabilize, ask(plant, byUtilization(plant, scraped, target)))
      }
    }
  }

export const hpa = (target: number): MakeRival => hpaWith(target, (_, replicas) => replicas)
