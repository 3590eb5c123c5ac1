/** What has been learned of how long pods take to start, as engines remember it. */
import * as Schema from "effect/Schema"
import { Millis } from "./Reading.ts"

export const Startup = Schema.Struct({
  seconds: Schema.Finite,
  samples: Schema.Int,
  /** As of the last look; absent before the first. */
  pods: Schema.optionalKey(Schema.Int),
  ready: Schema.optionalKey(Schema.Int),
  /** Pods that have been made and do not serve, oldest first. */
  awaited: Schema.Array(Schema.Struct({ at: Millis, pods: Schema.Int }))
})
export type Startup = typeof Startup.Type
