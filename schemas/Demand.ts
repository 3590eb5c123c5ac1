/** What has been learned of how much work there is, as engines remember it. */
import * as Schema from "effect/Schema"
import { Millis } from "./Reading.ts"

export const Amount = Schema.Struct({ at: Millis, value: Schema.Finite })
export type Amount = typeof Amount.Type

export const Demand = Schema.Struct({
  level: Schema.Finite,
  /** Standard deviation of single measurements, as a share of the level. */
  roughness: Schema.Finite,
  /** The newest measurements, oldest first. */
  seen: Schema.Array(Amount),
  /** Forecasts whose time has not come. */
  expected: Schema.Array(Amount),
  /** How often forecasts were wrong by how much: shares of all, from far too high to far too low. */
  errors: Schema.Array(Schema.Finite)
})
export type Demand = typeof Demand.Type
