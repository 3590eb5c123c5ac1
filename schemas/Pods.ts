/** What has been learned of the pods of a workload, as engines remember it. */
import * as Schema from "effect/Schema"
import { Capacity } from "./Capacity.ts"
import { Millis } from "./Reading.ts"
import { Startup } from "./Startup.ts"

export const Pods = Schema.Struct({
  /** Absent: nothing has been seen yet. */
  at: Schema.optionalKey(Millis),
  ready: Schema.Int,
  /** When the ready pods became as many as they are. */
  readySince: Schema.optionalKey(Millis),
  /** When they last taught what they serve, or were first seen. */
  taughtAt: Schema.optionalKey(Millis),
  startup: Startup,
  capacity: Capacity
})
export type Pods = typeof Pods.Type
