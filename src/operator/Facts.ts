/**
 * All that one tick found out about one policy, before anybody is told: phase, conditions, events, status and the
 * activity view are functions of it, so they cannot contradict one another.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { DecisionRecord } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Finding, Policy, PolicyRef, Refusal, Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"

export interface TargetFacts {
  readonly target: Target
  /** After the last tick. */
  readonly memory: Memory
  /** Absent: this target has not been decided about yet. */
  readonly record: DecisionRecord | undefined
}

export interface Crash {
  readonly at: Millis
  readonly message: string
  /** In a row, without a healthy minute between them. */
  readonly count: number
}

export interface Facts {
  readonly at: Millis
  readonly ref: PolicyRef
  /** Absent: the object could not be decoded or bound. */
  readonly policy: Policy | undefined
  /** What keeps the policy from running; the policy may be known (too many targets) or not. */
  readonly refusals: ReadonlyArray<Refusal>
  readonly findings: ReadonlyArray<Finding>
  readonly targets: ReadonlyArray<TargetFacts>
  /** A sentence that names what the policy wants to scale and what is not there. */
  readonly absent: string | undefined
  /** Some engine could propose, now or at an earlier tick. */
  readonly proposed: boolean
  readonly crash: Crash | undefined
}

export const nameOf = (target: Target): string => `${target.kind}/${target.name}`

/** Whole seconds, as Kubernetes writes times. */
export const formatSeconds = (at: Millis): string => formatMillis(at).replace(/\.\d{3}Z$/u, "Z")

export const formatMillis = (at: Millis): string => DateTime.formatIso(DateTime.makeUnsafe(at))

export const parseTime = (text: string | undefined): Millis | undefined =>
  text === undefined ? undefined : Option.getOrUndefined(Option.map(DateTime.make(text), DateTime.toEpochMillis))
