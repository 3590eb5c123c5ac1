/** Seed 2's policy, word for word, in the embedded cluster: Initializing, Learning, Active, and epsilon as configured. */
import { readFileSync } from "node:fs"
import { Clock, Effect, Layer, References, Result } from "effect"
import { assert, describe } from "vitest"
import { parse } from "yaml"
import { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, valueAt } from "#cluster/api/json"
import { layer } from "#cluster/ClusterKubernetes"
import { definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { Plugs } from "#operator/bind"
import { learnedOf } from "#operator/learn"
import { Ledger } from "#operator/Ledger"
import * as Operator from "#operator/Operator"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { KINDS } from "#schemas/crd/index"
import { measured, missing } from "#schemas/Reading"
import { type Learning, Metrics } from "#services/Metrics"
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
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      const server = new ApiServer(now)
      for (const kind of KINDS) server.create(definitionOf(kind, "0.1.0", fillHole) as unknown as JsonObject)
      for (const name of ["default", "nimbusguard"]) {
        if (server.find("Namespace", "", name) === undefined) {
          server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
        }
      }
      server.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "consumer-workload", namespace: "default" },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: "consumer" } },
          template: {
            metadata: { labels: { app: "consumer" } },
            spec: { containers: [{ name: "main", image: "none" }] }
          }
        }
      })
      const settle = (deployment: JsonObject) => {
        const replicas = valueAt(deployment, "spec.replicas") ?? 1
        if (valueAt(deployment, "status.replicas") === replicas) return
        const observedGeneration = metadataOf(deployment)["generation"] ?? 1
        const status = { observedGeneration, replicas, readyReplicas: replicas, updatedReplicas: replicas }
        server.patch("Deployment", namespaceOf(deployment), nameOf(deployment), { status }, "controller", "status")
      }
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => server.list("Deployment").forEach(settle)),
            Effect.sleep(250)
          )
        )
      )
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
                valueAt(server.find("Deployment", "default", "consumer-workload") ?? {}, "spec.replicas")
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
      const operator = Operator.layer({
        namespaces: undefined,
        ownNamespace: "nimbusguard",
        identity: "a",
        leaderElection: true,
        decode: DECODE_SETTINGS
      }).pipe(Layer.provide(plugs), Layer.provide(metrics), Layer.provide(layer(server, now)), Layer.fresh)

      yield* Effect.gen(function* () {
        yield* Effect.sleep("5 seconds")
        const { metadata, ...rest } = seed
        server.create({ ...rest, metadata: { ...(metadata as JsonObject), namespace: "default" } })
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
        assert.isTrue(told.every(({ reward }) => reward <= 0 && reward >= -1))
        const object = server.find("ScalingPolicy", "default", "consumer-workload-ai-scaling") ?? {}
        assert.isBelow(Number(valueAt(object, "status.metrics.averageReward")), 0)
        const ledger = yield* Ledger
        const [record] = yield* ledger.records((metadataOf(object)["uid"] ?? "") as string)
        assert.isAbove(record === undefined ? 0 : (learnedOf(record.memory)?.transitions ?? 0), 150)
        // Written down at most once a minute, and small.
        const kept = server.list("ConfigMap", "nimbusguard").map((each) => JSON.stringify(each))
        assert.isTrue(kept.some((text) => text.includes("qlearning") && text.length < 100_000))
      }).pipe(Effect.provide(operator), Effect.provideService(References.MinimumLogLevel, "Info"))
    }),
    { seeds: 1 }
  )
})
