/** One rival on one load: what came of it, second by second and in all, and why it changed what it changed. */
import type { Load } from "#workload/Load"
import { type Course, Plant } from "#workload/Plant"
import type { MakeRival } from "./Rival.ts"
import type { Outcome } from "./score.ts"

export interface Change {
  readonly second: number
  readonly from: number
  readonly to: number
  readonly reason: string
}

export interface Run extends Outcome {
  readonly course: Course
  readonly changes: ReadonlyArray<Change>
  /** Of what ready pods can do. */
  readonly utilization: number
}

const sumOf = (numbers: Float64Array): number => {
  let sum = 0
  for (const value of numbers) sum += value
  return sum
}

const outcomeOf = (plant: Plant): Outcome => {
  const { course, load } = plant
  return {
    violations: sumOf(course.bad) / Math.max(1, sumOf(load.arrivals)),
    podHours: sumOf(course.pods) / 3600,
    changesPerHour: (plant.changes * 3600) / load.seconds
  }
}

const utilizationOf = ({ course, load }: Plant): number => {
  const perPod = load.workload.workers / load.workload.serviceSeconds
  let capacity = 0
  course.ready.forEach((ready, second) => {
    capacity += ready * perPod * (load.factors[second] ?? 1)
  })
  return capacity > 0 ? sumOf(course.served) / capacity : 0
}

export const run = (load: Load, make: MakeRival): Run => {
  const rival = make(load)
  const plant = new Plant(load, rival.begins)
  const changes: Array<Change> = []
  while (!plant.isOver) {
    plant.advance(rival.intervalSeconds)
    if (plant.isOver) break
    const replicas = rival.decide(plant)
    if (replicas === undefined) continue
    const from = plant.desired
    plant.scale(replicas)
    if (plant.desired === from) continue
    changes.push({ second: plant.second, from, to: plant.desired, reason: rival.reason?.() ?? "" })
  }
  return { ...outcomeOf(plant), course: plant.course, changes, utilization: utilizationOf(plant) }
}
