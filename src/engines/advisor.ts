/**
 * Weighs the advice of a language model by its age and by how sure it is of itself. What the model says reaches a
 * decision only here, as one number; arbitration lets it add one pod or 25 %, and never take any away.
 */
import * as Schema from "effect/Schema"
import { baselineOf } from "#domain/arbitrate"
import type { Engine } from "#domain/Engine"
import type { Proposal } from "#schemas/Decision"

export const AdvisorOptions = Schema.Struct({
  maxAgeSeconds: Schema.optionalKey(
    Schema.Int.annotate({ description: "Advice older than this many seconds is not used. Absent: 300." }).check(
      Schema.isBetween({ minimum: 10, maximum: 3600 })
    )
  ),
  minimumConfidencePercent: Schema.optionalKey(
    Schema.Int.annotate({ description: "Advice less sure of itself than this is not used. Absent: 60." }).check(
      Schema.isBetween({ minimum: 0, maximum: 100 })
    )
  )
}).annotate({
  description:
    "Asks a language model, where the operator has a key. It may add one pod or 25 %, and never asks for less than the others."
})
export type AdvisorOptions = typeof AdvisorOptions.Type

const name = "advisor"

const MAX_AGE_SECONDS = 300
const MINIMUM_CONFIDENCE_PERCENT = 60

export const advisor: Engine<AdvisorOptions, null> = {
  name,
  description: "Asks a language model; may add one pod or 25 %, never takes any away.",
  options: AdvisorOptions,
  memory: Schema.Null,
  initial: null,
  example: { maxAgeSeconds: 300 },
  built: true,
  propose: ({ observation, options, others = [] }) => {
    const { advice, at } = observation
    const baseline = baselineOf(others)
    if (advice === undefined || baseline === undefined) return { proposals: [], memory: null }
    const { maxAgeSeconds = MAX_AGE_SECONDS, minimumConfidencePercent = MINIMUM_CONFIDENCE_PERCENT } = options
    const silent = (why: string) => {
      const proposal: Proposal = { engine: name, raiseOnly: false, reason: `the model's advice is not used: ${why}` }
      return { proposals: [proposal], memory: null }
    }
    const lasts = Math.min(maxAgeSeconds, advice.horizonSeconds)
    const age = (at - advice.askedAt) / 1000
    const { confidencePercent } = advice
    if (age < 0) return silent("the clock was set back since, so nobody knows how old it is")
    if (age >= lasts) return silent(`it is ${Math.round(age)} s old and was for ${lasts} s`)
    if (confidencePercent < minimumConfidencePercent) {
      return silent(`it is ${confidencePercent} % sure, and ${minimumConfidencePercent} % are asked for`)
    }
    const weight = (Math.min(100, confidencePercent) / 100) * (1 - age / lasts)
    const more = Math.round((advice.replicas - baseline) * weight)
    if (more <= 0) return silent(`it asks for ${advice.replicas}, and the others for ${baseline}`)
    const reason = `the model advises ${advice.replicas}, ${confidencePercent} % sure and ${Math.round(age)} s ago, where the others ask for ${baseline}`
    const proposal: Proposal = {
      engine: name,
      replicas: baseline + more,
      raiseOnly: false,
      standing: "Advises",
      reason
    }
    return { proposals: [proposal], memory: null }
  }
}
