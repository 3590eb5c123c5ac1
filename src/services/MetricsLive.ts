/** The metrics registry on prom-client: what the port says, as families that are counted and a page of them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeFamilies } from "./metricFamilies.ts"
import { type Component, Metrics } from "./Metrics.ts"
import { MetricsRecorder } from "./MetricsRecorder.ts"

/** What the seeds list; an answer of any other source is in nimbusguard_source_samples_total. */
const COMPONENTS: ReadonlySet<Component> = new Set(["prometheus", "kubernetes", "openai", "decision_engine"])

/** `processMetrics` adds Node's own: memory, event loop, garbage collection. */
export const layerMetrics = (options: { readonly processMetrics: boolean }) =>
  Layer.effect(
    Metrics,
    Effect.gen(function* () {
      const families = yield* Effect.acquireRelease(
        Effect.sync(() => makeFamilies(options.processMetrics)),
        ({ registry }) => Effect.sync(() => registry.clear())
      )
      const recorder = new MetricsRecorder(families)
      const did = (work: () => void) => Effect.sync(work)
      return {
        recorded: (record, seconds) => did(() => recorder.recorded(record, seconds)),
        failed: (policy, _why, seconds) => did(() => recorder.failed(policy, seconds)),
        ticking: (policy, tick) =>
          Effect.acquireUseRelease(
            Effect.map(Clock.currentTimeMillis, (now) => recorder.began(policy, now)),
            () => tick,
            (token) => Effect.map(Clock.currentTimeMillis, (now) => recorder.ended(token, now))
          ),
        learning: (policy, learning) => did(() => recorder.learning(policy, learning)),
        advised: (result) => did(() => families.advice.inc({ result })),
        asked: ({ cost, inputTokens, outputTokens, result, seconds }) =>
          did(() => {
            families.modelRequests.inc({ result })
            families.modelSeconds.observe(seconds)
            families.modelTokens.inc({ type: "input" }, inputTokens)
            families.modelTokens.inc({ type: "output" }, outputTokens)
            families.modelCost.inc(cost)
          }),
        policySeen: (policy) => did(() => void recorder.seen(policy)),
        phase: (policy, phase) => did(() => recorder.phase(policy, phase)),
        targets: (policy, targets) => did(() => recorder.targets(policy, targets)),
        forget: (policy) => did(() => recorder.forget(policy)),
        crashed: (policy) => did(() => recorder.crashed(policy)),
        health: (component, healthy) =>
          did(() => COMPONENTS.has(component) && families.health.set({ component }, healthy ? 1 : 0)),
        leading: (leading, name) => did(() => families.leader.set({ name }, leading ? 1 : 0)),
        request: (method, code, host) => did(() => recorder.request(method, code, host)),
        sampled: (source, seconds, result) =>
          did(() => {
            families.samples.inc({ source, result })
            families.sampleSeconds.observe({ source }, seconds)
          }),
        lateness: (seconds) =>
          did(() => families.queueWait.observe({ name: "policies", controller: "policies" }, Math.max(0, seconds))),
        render: Effect.gen(function* () {
          recorder.look(yield* Clock.currentTimeMillis)
          const body = yield* Effect.promise(() => families.registry.metrics())
          return { contentType: families.registry.contentType, body }
        })
      }
    })
  )
