/** Forecasts of demand one startup time ahead. Described, so that manifests may hold it; not run in this version. */
import * as Schema from "effect/Schema"
import type { Engine } from "#domain/Engine"
import { proposeNothing } from "#domain/unbuilt"

const PredictiveOptions = Schema.Struct({
  signal: Schema.optionalKey(
    Schema.String.annotate({
      description: "Name of the signal to forecast. Absent: the first with the role demand, else with a target."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(63))
  ),
  model: Schema.optionalKey(
    Schema.Literals(["Seasonal", "HoltWinters"]).annotate({
      description: "How to forecast: what was a season ago, or level, trend and season smoothed. Absent: HoltWinters."
    })
  ),
  seasonSeconds: Schema.optionalKey(
    Schema.Int.annotate({ description: "Length of a season in seconds. Absent: 86400, a day." }).check(
      Schema.isBetween({ minimum: 60, maximum: 604_800 })
    )
  ),
  horizonSeconds: Schema.optionalKey(
    Schema.Int.annotate({
      description: "How far ahead to look, in seconds. Absent: the startup time and one interval."
    }).check(Schema.isBetween({ minimum: 1, maximum: 86_400 }))
  ),
  percentile: Schema.optionalKey(
    Schema.Int.annotate({ description: "Which percentile of the forecast to be ready for. Absent: 90." }).check(
      Schema.isBetween({ minimum: 50, maximum: 99 })
    )
  ),
  maxErrorPercent: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Above this error, weighted against forecasting too little, the forecast is not used. Absent: 30."
    }).check(Schema.isBetween({ minimum: 1, maximum: 100 }))
  )
}).annotate({ description: "Forecasts demand one startup time ahead; can only raise. Not run in this version." })

export const predictive: Engine<typeof PredictiveOptions.Type, null> = {
  name: "predictive",
  description: "Forecasts demand one startup time ahead; can only raise.",
  options: PredictiveOptions,
  memory: Schema.Null,
  initial: null,
  example: { model: "Seasonal", seasonSeconds: 86_400 },
  built: false,
  propose: proposeNothing
}
