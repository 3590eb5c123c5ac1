/** The HPA's own arithmetic, one proposal for each signal that has a target. The baseline of everything else. */
import * as Schema from "effect/Schema"
import type { Engine, EngineInput } from "#domain/Engine"
import { propose } from "#domain/usage"
import type { Proposal } from "#schemas/Decision"
import type { Signal } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"

export const TargetOptions = Schema.Struct({
  signals: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(63)))
      .annotate({ description: "Names of the signals to hold at their targets. Absent: every signal with a target." })
      .check(Schema.isMinLength(1), Schema.isMaxLength(32))
  )
}).annotate({ description: "Holds each signal at its target, as the HorizontalPodAutoscaler does." })
export type TargetOptions = typeof TargetOptions.Type

const name = "target"

/** What the signals that are blind at zero cannot say: whether the last replica may go. */
const isAskedForTheLast = ({ policy }: EngineInput<TargetOptions, unknown>, signal: Signal): boolean =>
  policy.bounds.min > 0 ||
  signal.worksAtZero ||
  !policy.signals.some((other) => other.worksAtZero && other.target !== undefined)

const proposalOf = (input: EngineInput<TargetOptions, unknown>, signal: Signal, reading: Reading): Proposal => {
  const { observation, policy } = input
  const silent = (reason: string): Proposal => ({ engine: name, signal: signal.name, raiseOnly: false, reason })
  if (reading._tag !== "Measured") {
    return silent(`${signal.name} is ${reading._tag === "Stale" ? "stale" : "missing"}: ${reading.detail}`)
  }
  const answer = propose(signal, reading, observation, policy.limits)
  if (answer._tag === "Unknown") return silent(answer.detail)
  const { reason } = answer
  if (answer.replicas === 1 && !isAskedForTheLast(input, signal)) {
    return { engine: name, signal: signal.name, replicas: 0, raiseOnly: false, reason: `${reason}, or none` }
  }
  return { engine: name, signal: signal.name, replicas: answer.replicas, raiseOnly: false, reason }
}

export const target: Engine<TargetOptions, null> = {
  name,
  description: "Holds each signal at its target, as the HorizontalPodAutoscaler does.",
  options: TargetOptions,
  memory: Schema.Null,
  initial: null,
  example: {},
  built: true,
  propose: (input) => {
    const { observation, options, signals } = input
    const proposals: Array<Proposal> = []
    for (const { reading, signal } of signals) {
      if (signal.target === undefined || options.signals?.includes(signal.name) === false) continue
      // With nobody running only a signal from outside the pods knows anything.
      if (observation.state.specReplicas === 0 && !signal.worksAtZero) continue
      proposals.push(proposalOf(input, signal, reading))
    }
    return { proposals, memory: null }
  }
}
