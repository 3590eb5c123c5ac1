/** Loads for the judge's tests: a web service of 40 requests a second and pod, and a queue. */
import { type Load, loadOf } from "#workload/Load"
import type { Traffic } from "#workload/patterns"
import { PLANTS, WEB, type Workload } from "#workload/Workload"

export const web = (traffic: Traffic, seconds = 1_800, change: Partial<Workload> = {}, seed = 7): Load =>
  loadOf({ name: "web", workload: { ...WEB, ...change }, traffic, seconds }, seed)

export const queue = (traffic: Traffic, seconds = 1_800, change: Partial<Workload> = {}, seed = 7): Load =>
  loadOf({ name: "queue", workload: { ...WEB, ...PLANTS["queue"], ...change }, traffic, seconds }, seed)

/** Twice as much from a moment on. */
export const doubling =
  (rate: number, at: number): Traffic =>
  (second) =>
    second < at ? rate : 2 * rate
