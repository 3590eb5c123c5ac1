/**
 * How many pods are worth their price: one more as long as what it costs is less than the bad answers that it is
 * expected to prevent, over everything that demand may turn out to be.
 */
import { badAt } from "./capacity.ts"
import { ERROR_FACTORS } from "./demand.ts"

export interface Work {
  /** Forecast, in what pods serve per second. */
  readonly demand: number
  /** The share of each of the ERROR_FACTORS. */
  readonly errors: ReadonlyArray<number>
  readonly perPod: number
  readonly steepness: number
  /** Pods that it is worth to keep all answers good that one busy pod gives. */
  readonly price: number
}

const SHARE_MIN = 1e-4

const costOf = (pods: number, { demand, errors, perPod, price, steepness }: Work): number => {
  let bad = 0
  errors.forEach((share, bin) => {
    if (share < SHARE_MIN) return
    const work = demand * (ERROR_FACTORS[bin] ?? 1)
    bad += share * badAt(steepness, work / (pods * perPod)) * work
  })
  return pods + (price * bad) / perPod
}

/** In a crowd one pod more or less makes no difference that is worth looking for. */
const STEPS = 200

/** The cost has one lowest point, so the first number of pods that the next does not better is it. */
export const worthwhile = (work: Work, most: number): number => {
  let pods = Math.max(1, Math.floor((work.demand / work.perPod) * 0.8))
  const step = Math.ceil(pods / STEPS)
  let cost = costOf(pods, work)
  while (pods < most) {
    const next = costOf(pods + step, work)
    if (next >= cost) break
    pods += step
    cost = next
  }
  return Math.max(1, Math.min(pods, most))
}

export interface Budget {
  readonly bad: number
  readonly all: number
  readonly price: number
}

export const FRESH_BUDGET: Budget = { bad: 0, all: 0, price: 12 }

const PRICE_MIN = 4
const PRICE_MAX = 30
const MOVES_PER_MINUTE = 0.02
/** The share of the budget at which it is spent just right, since what is bad comes in lumps. */
const SPENT_RIGHT = 0.8
/** After so many seconds' worth, what was long ago counts for less. */
const REMEMBERED_SECONDS = 7 * 86_400

/** The price of bad answers rises while more of them are given than the objective allows, and falls while fewer are. */
export const spend = (budget: Budget, bad: number, requests: number, allowed: number, seconds: number): Budget => {
  const kept = 1 - Math.min(1, seconds / REMEMBERED_SECONDS)
  const next = { bad: budget.bad * kept + bad, all: budget.all * kept + requests }
  const over = next.all > 0 && next.bad / next.all > allowed * SPENT_RIGHT
  const moved = budget.price * (1 + ((over ? 1 : -1) * MOVES_PER_MINUTE * seconds) / 60)
  return { ...next, price: Math.min(PRICE_MAX, Math.max(PRICE_MIN, moved)) }
}
