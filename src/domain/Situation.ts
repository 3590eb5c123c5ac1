/** What every limiter may look at, and the shape of a limiter. Everything is given: no clock, no chance. */
import type { Step } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Schedules } from "./schedule.ts"

export interface Situation {
  readonly policy: Policy
  readonly observation: Observation
  /** As it was before this decision, apart from what the observation itself has added. */
  readonly memory: Memory
  readonly at: Millis
  /** spec.replicas. */
  readonly current: number
  /** A signal that steers is not measured: nothing lowers but the bounds. */
  readonly blind: boolean
  /** Nothing could propose: the value began as the current replicas, and the windows neither hold nor record it. */
  readonly held: boolean
  readonly schedules: Schedules
}

/** Undefined: the limiter has nothing against the value. */
export type Limit = (value: number, situation: Situation) => Step | undefined
