/**
 * KEDA's ScaledObject: an external metric, averaged over the pods by the HPA. The first and the last pod are its own
 * business: polling every 30 s, cooldown 300 s. It is told how much a pod serves, and knows no better when that changes.
 */
import type { Load } from "#workload/Load"
import { capacityOf } from "#workload/Workload"
import type { MakeRival } from "../Rival.ts"
import { SYNC_SECONDS, TOLERANCE, withinRates } from "./hpa.ts"
import { stabilizer } from "./stabilizer.ts"

const POLLING_SECONDS = 30
const COOLDOWN_SECONDS = 300

interface Pace {
  readonly syncSeconds: number
  readonly scrapeSeconds: number
  readonly windowSeconds: number
  readonly stabilizationSeconds: number
}

const USUAL: Pace = {
  syncSeconds: SYNC_SECONDS,
  scrapeSeconds: 15,
  windowSeconds: 60,
  stabilizationSeconds: 300
}
/** As somebody sets it who knows all about it. */
const BY_HAND: Pace = { syncSeconds: 5, scrapeSeconds: 5, windowSeconds: 30, stabilizationSeconds: 60 }

/** What one pod is meant to carry: requests per second, or messages that it drains in half of the time there is. */
const thresholdOf = ({ workload }: Load, target: number): number => {
  const busy = target * capacityOf(workload)
  return workload.kind === "http" ? busy : Math.max(1, (busy * workload.objectiveSeconds) / 2)
}

const kedaAt =
  (pace: Pace, target: number): MakeRival =>
  (load) => {
    const { kind, minReplicas } = load.workload
    const threshold = thresholdOf(load, target)
    const stabilize = stabilizer(pace.stabilizationSeconds)
    let [lastActive, nextPoll] = [0, 0]
    return {
      intervalSeconds: pace.syncSeconds,
      decide: (plant) => {
        const scraped = plant.scraped(pace.scrapeSeconds, pace.windowSeconds)
        if (scraped === undefined) return undefined
        const value = kind === "http" ? scraped.rps : scraped.waiting
        const { desired, second } = plant
        if (minReplicas === 0 && second >= nextPoll) {
          nextPoll = second + POLLING_SECONDS
          if (value > 0) lastActive = second
          if (desired === 0) return value > 0 ? 1 : undefined
          if (value <= 0 && second - lastActive > COOLDOWN_SECONDS) {
            stabilize.forget()
            return 0
          }
        }
        if (desired === 0) return undefined
        const isNear = Math.abs(value / (threshold * desired) - 1) <= TOLERANCE
        return withinRates(plant, stabilize, Math.max(1, isNear ? desired : Math.ceil(value / threshold)))
      }
    }
  }

export const keda = (target: number): MakeRival => kedaAt(USUAL, target)
export const kedaFast = (target: number): MakeRival => kedaAt(BY_HAND, target)
