/**
 * All that one tick found out about one policy, before anybody is told: phase, conditions, events, status and the
 * activity view are functions of it, so they cannot contradict one another.
 */
import * as DateTime from "effect/DateTime"
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

/** Why a target cannot be observed. */
export interface TargetTrouble {
  readonly reason: string
  /** Names the target and says what to do. */
  readonly message: string
  /** Only a person can change it; else it is a matter of trying again. */
  readonly lasting: boolean
}

/** Somebody else set the replicas: taken as they are, and not counted as ours. */
export interface ForeignChange {
  readonly target: Target
  /** Absent: we had not written yet. */
  readonly from: number | undefined
  readonly to: number
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
  /** Of what the policy wants to scale and could not be observed. */
  readonly troubles: ReadonlyArray<TargetTrouble>
  readonly foreign: ReadonlyArray<ForeignChange>
  /** Some engine could propose, now or at an earlier tick. */
  readonly proposed: boolean
  readonly crash: Crash | undefined
}

export const nameOf = (target: Target): string => `${target.kind}/${target.name}`

/** With milliseconds, for what the next leader counts by. */
export const formatMillis = (at: Millis): string => DateTime.formatIso(DateTime.makeUnsafe(at))
