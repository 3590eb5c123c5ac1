/**
 * Knative's pod autoscaler on concurrency: every 2 s, by the mean of 60 s, and by that of 6 s while the need is twice
 * what is ready and for a minute after. It asks the pods themselves, every second.
 */
import type { Plant } from "#workload/Plant"
import type { MakeRival } from "../Rival.ts"

const TICK_SECONDS = 2
const STABLE_SECONDS = 60
const PANIC_SECONDS = 6
const PANIC_THRESHOLD = 2
const MAX_UP = 1000
const MAX_DOWN = 2
const GRACE_SECONDS = 30

const meanOf = (numbers: Float64Array, to: number, seconds: number): number => {
  const from = Math.max(0, to - seconds)
  let sum = 0
  for (let second = from; second < to; second++) sum += numbers[second] ?? 0
  return sum / Math.max(1, to - from)
}

const within = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)

export const kpa =
  (target: number): MakeRival =>
  ({ lost, workload }) => {
    const perPod = target * workload.workers
    let panicSince: number | undefined
    let mostInPanic = 0
    let idleSince: number | undefined
    let begun = false

    /** A process that begins knows nothing of the time before, and begins in panic. */
    const begin = (ready: number) => {
      begun = true
      mostInPanic = ready
      panicSince = ready <= 1 ? undefined : 0
    }
    const toNone = (second: number): number => {
      idleSince ??= second
      return second - idleSince >= GRACE_SECONDS ? 0 : 1
    }
    const decide = (plant: Plant): number | undefined => {
      const { course, second } = plant
      if (!begun) begin(plant.ready)
      if (lost[second - 1] === 1) return undefined
      const ready = Math.max(1, plant.ready)
      const [most, least] = [Math.ceil(MAX_UP * ready), Math.floor(ready / MAX_DOWN)]
      const stable = Math.ceil(meanOf(course.concurrency, second, STABLE_SECONDS) / perPod)
      const panic = Math.ceil(meanOf(course.concurrency, second, PANIC_SECONDS) / perPod)
      if (panic / ready >= PANIC_THRESHOLD) panicSince = second
      else if (panicSince !== undefined && panicSince + STABLE_SECONDS < second) {
        panicSince = undefined
        mostInPanic = 0
      }
      let replicas = within(stable, least, most)
      if (panicSince !== undefined) {
        mostInPanic = Math.max(mostInPanic, replicas, within(panic, least, most))
        replicas = mostInPanic
      }
      if (replicas === 0 && workload.minReplicas === 0) return toNone(second)
      idleSince = undefined
      return Math.max(replicas, workload.minReplicas)
    }
    return { intervalSeconds: TICK_SECONDS, decide }
  }
