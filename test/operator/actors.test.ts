import { Effect, Layer, Option, Result, Stream } from "effect"
import { assert, describe } from "vitest"
import { measured } from "#schemas/Reading"
import * as actors from "#operator/actors"
import { Plugs } from "#operator/bind"
import { Checkpoints } from "#operator/checkpoint"
import { Health } from "#operator/Health"
import { Ledger } from "#operator/Ledger"
import { Supervisor } from "#operator/Supervisor"
import { Workloads } from "#operator/Workloads"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { Metrics } from "#services/Metrics"
import { leaderWhile } from "#test/operator/leaders"
import { policyOf, refOf, state } from "#test/operator/records"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"

const POLICIES = 20

describe("actors", () => {
  simulated(
    "let only so many ticks wait for their sources at once, and all of them have their turn",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      let asking = 0
      let most = 0
      const asked = new Set<string>()
      const sample = (target: string, at: number) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            most = Math.max(most, ++asking)
            asked.add(target)
          }),
          () => Effect.delay(Effect.succeed(measured(30, at)), "1 second"),
          () => Effect.sync(() => void asking--)
        )
      const plugs = Layer.succeed(Plugs, {
        signal: (signal) => Result.succeed({ signal, built: true, sample: ({ at, target }) => sample(target.name, at) })
      })
      const workloads = Layer.succeed(Workloads, {
        refresh: Effect.void,
        state: () => Effect.succeed(Option.some(state(3))),
        pods: () => Effect.succeed([]),
        matching: () => Effect.succeed([]),
        changes: Stream.empty,
        synced: Effect.void,
        troubles: Effect.succeed([])
      })
      const world = Layer.mergeAll(
        Health.layer,
        Ledger.layer,
        KubernetesDiscovery.layer,
        Checkpoints.layer({ namespace: "nimbusguard" }),
        plugs,
        workloads
      ).pipe(
        Layer.provideMerge(
          Layer.mergeAll(
            api.layer(),
            Metrics.layerNone,
            leaderWhile(() => true)
          )
        )
      )
      const layer = Supervisor.layer.pipe(
        Layer.provide(actors.layerWith({ observingAtOnce: 3, actingAtOnce: 1 })),
        Layer.provide(world)
      )
      yield* Effect.gen(function* () {
        const supervisor = yield* Supervisor
        yield* supervisor.upsertAll(
          Array.from({ length: POLICIES }, (_, index) => ({
            ref: refOf(`p${index}`),
            decoded: Result.succeed(policyOf(`p${index}`)),
            status: undefined
          }))
        )
        yield* Effect.sleep("12 seconds")
        assert.strictEqual(asked.size, POLICIES)
        assert.strictEqual(most, 3)
        const described = yield* supervisor.describe("p7")
        assert.strictEqual(described?.targets[0]?.record?.decision.desired, 3)
      }).pipe(Effect.provide(layer))
    }),
    { seeds: 5 }
  )
})
