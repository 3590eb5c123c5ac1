/**
 * The cheapest course of replicas when the price of each number at each step is known, and each pod that is added costs
 * its start-up: exact, by dynamic programming with prefix minima.
 */

export interface Prices {
  readonly steps: number
  /** Numbers of pods from 0 to one less. */
  readonly sizes: number
  /** Of a number of pods at a step: at [step * sizes + pods]. */
  readonly prices: Float64Array
  readonly perPodAdded: number
  readonly perPodChanged: number
}

/** As many numbers as fit into half of the memory. */
const SMALL_SIZES = 2 ** 15

export const cheapest = ({ perPodAdded, perPodChanged, prices, sizes, steps }: Prices): Int32Array => {
  const from = new (sizes <= SMALL_SIZES ? Int16Array : Int32Array)(steps * sizes)
  const up = perPodAdded + perPodChanged
  let cost = Float64Array.from(prices.subarray(0, sizes))
  let next = new Float64Array(sizes)
  for (let step = 1; step < steps; step++) {
    const base = step * sizes
    let best = Infinity
    let bestSize = 0
    for (let size = sizes - 1; size >= 0; size--) {
      const falling = (cost[size] ?? 0) + perPodChanged * size
      if (falling < best) {
        best = falling
        bestSize = size
      }
      next[size] = best - perPodChanged * size
      from[base + size] = bestSize
    }
    best = Infinity
    for (let size = 0; size < sizes; size++) {
      const rising = (cost[size] ?? 0) - up * size
      if (rising < best) {
        best = rising
        bestSize = size
      }
      const total = best + up * size
      if (total < (next[size] ?? 0)) {
        next[size] = total
        from[base + size] = bestSize
      }
      next[size] = (next[size] ?? 0) + (prices[base + size] ?? 0)
    }
    ;[cost, next] = [next, cost]
  }
  const plan = new Int32Array(steps)
  let size = cost.indexOf(cost.reduce((least, value) => Math.min(least, value), Infinity))
  for (let step = steps - 1; step >= 0; step--) {
    plan[step] = size
    size = from[step * sizes + size] ?? 0
  }
  return plan
}

/**
 * The shortest way between two growing sums, from the first of `low` to the last: what is worked off per step, as evenly
 * as can be. `low` is what must be done by then, `high` what is there to be done.
 */
export const tautString = (low: Float64Array, high: Float64Array): Float64Array => {
  const steps = low.length - 1
  const rates = new Float64Array(steps)
  let begin = 0
  let done = low[0] ?? 0
  while (begin < steps) {
    let [steepestLow, flattestHigh] = [-Infinity, Infinity]
    let [lowEnd, highEnd] = [begin + 1, begin + 1]
    let turn: { readonly end: number; readonly rate: number } | undefined
    for (let end = begin + 1; end <= steps && turn === undefined; end++) {
      const must = ((low[end] ?? 0) - done) / (end - begin)
      const may = (((end < steps ? high[end] : low[steps]) ?? 0) - done) / (end - begin)
      if (must > flattestHigh) turn = { end: highEnd, rate: flattestHigh }
      else if (may < steepestLow) turn = { end: lowEnd, rate: steepestLow }
      else {
        if (must >= steepestLow) [steepestLow, lowEnd] = [must, end]
        if (may <= flattestHigh) [flattestHigh, highEnd] = [may, end]
      }
    }
    const { end, rate } = turn ?? { end: steps, rate: ((low[steps] ?? 0) - done) / (steps - begin) }
    rates.fill(rate, begin, end)
    done += rate * (end - begin)
    begin = end
  }
  return rates
}
