/** Seed 2's policy, word for word, in the embedded cluster: Initializing, Learning, Active, and epsilon as configured. */
import { readFileSync } from "node:fs"
import { Effect, Layer, References, Result } from "effect"
import { assert, describe } from "vitest"
import { parse } from "yaml"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, valueAt } from "#cluster/api/json"
import { Plugs } from "#operator/bind"
import { learnedOf } from "#operator/learn"
import { Ledger } from "#operator/Ledger"
import { measured, missing } from "#schemas/Reading"
import { type Learning, Metrics } from "#services/Metrics"
import { deployment, NAMESPACE } from "#test/cluster/controllers/workloads"
import { HOME, makeCluster, operatorOn } from "#test/cluster/operatorCluster"
import { simulated } from "#test/simulation/inSimulation"

const seed = parse(
  readFileSync(new URL("../fixtures/seeds/scaling-policy.yaml", import.meta.url), "utf8")
) as JsonObject

/** Pods get their first sample of CPU after so long, as with metrics-server. */
const FIRST_SAMPLE_MILLIS = 60_000

describe("seed 2's policy in the embedded cluster", () => {
  simulated(
    "goes from Initializing to Learning to Active, and epsilon falls as configured",
    Effect.gen(function* () {
      const cluster = yield* makeCluster
      const { now, server } = cluster
      server.create(deployment("consumer-workload", 2))
      const phases: Array<unknown> = []
      server.store.onCommit(({ object, resource }) => {
        const phase = valueAt(object, "status.phase")
        if (resource.startsWith("scalingpolicies.") && phase !== undefined && phases.at(-1) !== phase)
          phases.push(phase)
      })
      const startedAt = now()
      const plugs = Layer.succeed(Plugs, {
        signal: (signal) =>
          Result.succeed({
            signal,
            built: true,
            sample: ({ at }) => {
              const replicas = Number(
                valueAt(server.find("Deployment", NAMESPACE, "consumer-workload") ?? {}, "spec.replicas")
              )
              const work = 3 + 2 * Math.sin((at - startedAt) / 600_000)
              return Effect.succeed(
                at - startedAt < FIRST_SAMPLE_MILLIS
                  ? missing("NoSamples", "No pod of the target has a sample yet.")
                  : { ...measured(Math.min(100, (100 * work) / replicas), at), warmUp: signal.name === "cpu" }
              )
            }
          })
      })
      const told: Array<Learning> = []
      const metrics = Layer.effect(
        Metrics,
        Effect.map(Metrics, (none) => ({
          ...none,
          learning: (_: unknown, learning: Learning) => Effect.sync(() => void told.push(learning))
        }))
      ).pipe(Layer.provide(Metrics.layerNone))
      const operator = operatorOn(cluster, plugs, metrics)

      yield* Effect.gen(function* () {
        yield* Effect.sleep("5 seconds")
        const { metadata, ...rest } = seed
        server.create({ ...rest, metadata: { ...(metadata as JsonObject), namespace: NAMESPACE } })
        yield* Effect.sleep("45 minutes")
        assert.deepStrictEqual(phases, ["Initializing", "Learning", "Active"])
        assert.isAbove(told.length, 150)
        for (const { epsilon, transitions } of told) {
          assert.approximately(epsilon, Math.max(0.01, 0.995 ** transitions), 1e-12)
        }
        const last = told.at(-1)
        assert.isAbove(last?.transitions ?? 0, 150)
        assert.isBelow(last?.epsilon ?? 1, 0.48)
        assert.isAbove(last?.states ?? 0, 3)
        assert.isTrue(told.every(({ reward = -1 }) => reward <= 0 && reward >= -1))
        const object = server.find("ScalingPolicy", NAMESPACE, "consumer-workload-ai-scaling") ?? {}
        assert.isBelow(Number(valueAt(object, "status.metrics.averageReward")), 0)
        const ledger = yield* Ledger
        const [record] = yield* ledger.records((metadataOf(object)["uid"] ?? "") as string)
        assert.isAbove(record === undefined ? 0 : (learnedOf(record.memory)?.transitions ?? 0), 150)
        // Written down at most once a minute, and small.
        const kept = server.list("ConfigMap", HOME).map((each) => JSON.stringify(each))
        assert.isTrue(kept.some((text) => text.includes("qlearning") && text.length < 100_000))
      }).pipe(Effect.provide(operator), Effect.provideService(References.MinimumLogLevel, "Info"))
    }),
    { seeds: 1 }
  )
})
