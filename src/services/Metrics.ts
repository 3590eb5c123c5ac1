/**
 * The port to the metrics registry. Families and labels are the seeds' and controller-runtime's names (spec.md
 * section 3); callers speak in the product's own terms and never see a registry.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { DecisionRecord } from "#schemas/Decision"
import type { PolicyRef } from "#schemas/Policy"
import type { Phase } from "#schemas/Status"

export type Component = "prometheus" | "kubernetes" | "openai" | "decision_engine" | "sources"

export class Metrics extends Context.Service<
  Metrics,
  {
    /** One finished tick of one target. */
    readonly recorded: (record: DecisionRecord, seconds: number) => Effect.Effect<void>
    /** A tick that failed before it could decide. */
    readonly failed: (policy: PolicyRef, why: string, seconds: number) => Effect.Effect<void>
    readonly policySeen: (policy: PolicyRef) => Effect.Effect<void>
    readonly phase: (policy: PolicyRef, phase: Phase) => Effect.Effect<void>
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
>()("nimbusguard/services/Metrics") {}
