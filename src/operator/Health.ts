/**
 * What the probes say: per component whether it works and since when, whether the process lives, and whether it is
 * ready. Ready never turns false again because Prometheus or the API server is away: that would only take the
 * pages away that say so.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Millis, Reading } from "#schemas/Reading"
import { type Component, Metrics } from "#services/Metrics"

export type HealthComponent = Component | "leader"

export interface ComponentHealth {
  /** Absent: nothing is known yet. */
  readonly healthy: boolean | undefined
  readonly detail: string
  readonly since: Millis
}

export interface HealthReport {
  readonly live: boolean
  readonly ready: boolean
  /** What readiness still waits for. */
  readonly waitingFor: ReadonlyArray<string>
  readonly components: Readonly<Record<string, ComponentHealth>>
}

const BEAT_MILLIS = 5_000
/** The fibers of this process have not been scheduled for so long: only a restart helps. */
const DEAD_AFTER_MILLIS = 30_000
/** One tenant's broken source does not make a component unhealthy while others are answered. */
const SOURCE_GRACE_MILLIS = 60_000

const COMPONENTS: ReadonlyArray<HealthComponent> = ["prometheus", "kubernetes", "decision_engine", "sources", "leader"]

export class Health extends Context.Service<
  Health,
  {
    /**
     * `since` moves only when `healthy` changes. Whoever sets `prometheus` looks after the operator's own, which from
     * then on speaks for the component: any policy can name a server that is not there.
     */
    readonly set: (component: HealthComponent, healthy: boolean, detail: string) => Effect.Effect<void>
    /** One answer of a source, for `prometheus` and `sources`. */
    readonly sampled: (source: string, reading: Reading) => Effect.Effect<void>
    /** Readiness waits for this ("watch ScalingPolicy", "lease"). */
    readonly expect: (gate: string) => Effect.Effect<void>
    /** It has happened once, which is enough for ever. */
    readonly reached: (gate: string) => Effect.Effect<void>
    readonly live: Effect.Effect<boolean>
    readonly ready: Effect.Effect<boolean>
    readonly report: Effect.Effect<HealthReport>
  }
>()("nimbusguard/operator/Health") {
  static readonly layer = Layer.effect(
    Health,
    Effect.gen(function* () {
      const metrics = yield* Metrics
      const startedAt = yield* Clock.currentTimeMillis
      const unknown: ComponentHealth = { healthy: undefined, detail: "Not used yet.", since: startedAt }
      const components = new Map<HealthComponent, ComponentHealth>(COMPONENTS.map((name) => [name, unknown]))
      const gates = new Map<string, boolean>()
      const answeredAt = new Map<HealthComponent, Millis>()
      const lookedAfter = new Set<HealthComponent>()
      let beatAt = startedAt

      const beat = Effect.map(Clock.currentTimeMillis, (now) => void (beatAt = now))
      yield* beat.pipe(Effect.andThen(Effect.sleep(BEAT_MILLIS)), Effect.forever, Effect.forkScoped)

      const note = Effect.fnUntraced(function* (component: HealthComponent, healthy: boolean, detail: string) {
        const before = components.get(component) ?? unknown
        if (before.healthy === healthy && before.detail === detail) return
        const now = yield* Clock.currentTimeMillis
        components.set(component, { healthy, detail, since: before.healthy === healthy ? before.since : now })
        if (before.healthy !== healthy && component !== "leader") yield* metrics.health(component, healthy)
      })

      const sampled = Effect.fnUntraced(function* (source: string, reading: Reading) {
        const component = source === "prometheus" && !lookedAfter.has("prometheus") ? "prometheus" : "sources"
        const now = yield* Clock.currentTimeMillis
        if (reading._tag === "Measured") {
          answeredAt.set(component, now)
          return yield* note(component, true, "Answering.")
        }
        if (!OUTAGES.has(reading._tag === "Missing" ? reading.why : "Stale")) return
        if (now - (answeredAt.get(component) ?? 0) < SOURCE_GRACE_MILLIS) return
        yield* note(component, false, `${source}: ${reading.detail}`)
      })

      const live = Effect.map(Clock.currentTimeMillis, (now) => now - beatAt < DEAD_AFTER_MILLIS)
      const waitingFor = () => [...gates].flatMap(([gate, reached]) => (reached ? [] : [gate]))
      const ready = Effect.sync(() => gates.size > 0 && waitingFor().length === 0)

      return {
        set: (component, healthy, detail) =>
          Effect.suspend(() => {
            lookedAfter.add(component)
            return note(component, healthy, detail)
          }),
        sampled,
        expect: (gate) => Effect.sync(() => void (gates.has(gate) || gates.set(gate, false))),
        reached: (gate) => Effect.sync(() => void gates.set(gate, true)),
        live,
        ready,
        report: Effect.gen(function* () {
          return {
            live: yield* live,
            ready: yield* ready,
            waitingFor: waitingFor(),
            components: Object.fromEntries(components)
          }
        })
      }
    })
  )
}

/** Readings that speak of the outside system; the others speak of the question or of the workload. */
const OUTAGES: ReadonlySet<string> = new Set([
  "Stale",
  "Unreachable",
  "Timeout",
  "HttpStatus",
  "Unauthorized",
  "Forbidden",
  "Throttled",
  "Malformed",
  "TooLarge"
])
