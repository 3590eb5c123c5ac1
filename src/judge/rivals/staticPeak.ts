/** No scaling at all: as many pods as the busiest thousandth of the time needs, known beforehand. */
import type { Load } from "#workload/Load"
import { capacityOf } from "#workload/Workload"
import type { MakeRival } from "../Rival.ts"

const SHARE = 0.999
const LONG_SECONDS = 3600

/** Sorts of evenly spaced numbers, with a straight line between two. */
const quantile = (numbers: Float64Array, share: number): number => {
  const sorted = numbers.toSorted()
  const place = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
  return low + (high - low) * (place - Math.floor(place))
}

/** Over as long as a message may wait. */
const smooth = (numbers: Float64Array, seconds: number): Float64Array => {
  const sums = new Float64Array(numbers.length + 1)
  numbers.forEach((value, index) => {
    sums[index + 1] = (sums[index] ?? 0) + value
  })
  const half = Math.floor(seconds / 2)
  return numbers.map((_, index) => {
    const to = Math.min(numbers.length, index + seconds - half)
    return ((sums[to] ?? 0) - (sums[Math.max(0, index - half)] ?? 0)) / seconds
  })
}

export const peakReplicas = ({ rates, workload }: Load, target: number): number => {
  const seen = workload.kind === "queue" ? smooth(rates, Math.trunc(workload.objectiveSeconds)) : rates
  return Math.ceil(quantile(seen, SHARE) / (capacityOf(workload) * target))
}

export const staticPeak =
  (target: number): MakeRival =>
  (load) => {
    const replicas = peakReplicas(load, target)
    return { intervalSeconds: LONG_SECONDS, begins: replicas, decide: () => replicas }
  }
