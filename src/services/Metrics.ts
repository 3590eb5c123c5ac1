/**
 * The port to the metrics registry. Families and labels are the seeds' and controller-runtime's names (spec.md
 * section 3); callers speak in the product's own terms and never see a registry.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DecisionRecord } from "#schemas/Decision"
import type { PolicyRef, Target } from "#schemas/Policy"
import type { Phase } from "#schemas/Status"

export type Component = "prometheus" | "kubernetes" | "openai" | "decision_engine" | "sources"

export interface Learning {
  readonly epsilon: number
  /** Of the last transition; absent: there has been none. */
  readonly reward: number | undefined
  readonly states: number
  readonly transitions: number
  /** Means of the estimates of its own choices, and of what the others asked for; absent: none has been valued. */
  readonly shadowReward: number | undefined
  readonly baselineReward: number | undefined
  /** 1 while it has a say. */
  readonly steering: number
}

export type Advised = "taken" | "malformed" | "absurd" | "late" | "failed"

export interface Asked {
  /** "answered", or the tag of the failure. */
  readonly result: string
  readonly seconds: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** In the currency of the prices in the settings; 0 where there are none. */
  readonly cost: number
}

export class Metrics extends Context.Service<
  Metrics,
  {
    /** One finished tick of one target. */
    readonly recorded: (record: DecisionRecord, seconds: number) => Effect.Effect<void>
    /** A tick that failed before it could decide. */
    readonly failed: (policy: PolicyRef, why: string, seconds: number) => Effect.Effect<void>
    /** Wraps one whole tick of one policy, so that ticks in flight and slow ones can be seen. */
    readonly ticking: <A, E, R>(policy: PolicyRef, tick: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** How far Q-learning is with one policy. */
    readonly learning: (policy: PolicyRef, learning: Learning) => Effect.Effect<void>
    /** What became of one answer that a language model was asked for. */
    readonly advised: (result: Advised) => Effect.Effect<void>
    /** One request to a language model, whether it was answered or not. */
    readonly asked: (asked: Asked) => Effect.Effect<void>
    readonly policySeen: (policy: PolicyRef) => Effect.Effect<void>
    readonly phase: (policy: PolicyRef, phase: Phase) => Effect.Effect<void>
    /** All targets that the policy has now: series of those it had before disappear. */
    readonly targets: (policy: PolicyRef, targets: ReadonlyArray<Target>) => Effect.Effect<void>
    /** Series of a deleted object disappear. */
    readonly forget: (policy: PolicyRef) => Effect.Effect<void>
    readonly crashed: (policy: PolicyRef) => Effect.Effect<void>
    readonly health: (component: Component, healthy: boolean) => Effect.Effect<void>
    readonly leading: (leading: boolean, name: string) => Effect.Effect<void>
    readonly request: (method: string, code: string, host: string) => Effect.Effect<void>
    readonly sampled: (source: string, seconds: number, result: "measured" | "stale" | "missing") => Effect.Effect<void>
    /** How late a tick started, against its schedule. */
    readonly lateness: (seconds: number) => Effect.Effect<void>
    /** Prometheus text exposition. */
    readonly render: Effect.Effect<{ readonly contentType: string; readonly body: string }>
  }
>()("nimbusguard/services/Metrics") {
  /** Counts nothing: for commands that are no operator, and for tests of something else. */
  static readonly layerNone = Layer.succeed(Metrics, {
    recorded: () => Effect.void,
    failed: () => Effect.void,
    ticking: (_policy, tick) => tick,
    learning: () => Effect.void,
    advised: () => Effect.void,
    asked: () => Effect.void,
    policySeen: () => Effect.void,
    phase: () => Effect.void,
    targets: () => Effect.void,
    forget: () => Effect.void,
    crashed: () => Effect.void,
    health: () => Effect.void,
    leading: () => Effect.void,
    request: () => Effect.void,
    sampled: () => Effect.void,
    lateness: () => Effect.void,
    render: Effect.succeed({ contentType: "text/plain; version=0.0.4; charset=utf-8", body: "" })
  })
}
