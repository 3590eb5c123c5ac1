/** The seeds' workload API over HTTP, on a cluster in memory: what is begun, what is refused, and in which words. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Board, type Happening } from "#cli/dev/Board"
import * as DemoLoad from "#cli/dev/DemoLoad"
import {
  CPU_PATH,
  CPU_SERVES,
  CPU_STOP_PATH,
  cpuRoutes,
  GENERATE_PATH,
  GENERATOR_SERVES,
  generatorRoutes,
  LOAD_PATH,
  STOP_PATH
} from "#cli/dev/loadRoutes"
import { SCENARIOS } from "#cli/dev/scenarios/index"
import * as Cluster from "#cluster/Cluster"
import { layerListener } from "#dashboard/server"
import { ask } from "#test/dashboard/pages"

const listener = {
  name: "load generator",
  port: 0,
  host: "127.0.0.1",
  variable: "--load-port",
  serves: [...GENERATOR_SERVES, ...CPU_SERVES]
}

const served = (
  body: (world: {
    readonly cluster: Cluster.Cluster
    readonly told: ReadonlyArray<Happening>
  }) => Effect.Effect<void, unknown, Layer.Success<ReturnType<typeof layerListener>>>
) =>
  Effect.gen(function* () {
    const told: Array<Happening> = []
    const cluster = yield* Cluster.make({ seed: 1, workloads: SCENARIOS.default.workloads })
    const load = DemoLoad.layer(cluster, new Board((happening) => void told.push(happening)))
    const server = layerListener(listener, Layer.mergeAll(cpuRoutes, generatorRoutes)).pipe(Layer.provide(load))
    yield* Effect.provide(body({ cluster, told }), server)
  })

const post = (path: string, body: unknown) => ask(path, { method: "POST", body })

describe("the workload API", () => {
  it.live("begins CPU work on the consumer workload by the seed's own body", () =>
    served(({ cluster, told }) =>
      Effect.gen(function* () {
        const { json, status } = yield* post(CPU_PATH, { intensity: 80, duration: 300 })
        assert.strictEqual(status, 202)
        const { level, service, status: word } = json()
        assert.deepStrictEqual([word, service], ["started", "consumer-workload"])
        assert.match(String(level), /about 160 requests a second more/u)
        assert.isTrue(cluster.world.service("consumer-workload")?.hasAddedLoad)
        assert.match(told[0]?.text ?? "", /consumer-workload gets steady for 300 s/u)
      })
    )
  )

  it.live("begins a spike of requests by the seed's own body, and stops it when asked", () =>
    served(({ cluster }) =>
      Effect.gen(function* () {
        const { status } = yield* post(GENERATE_PATH, {
          pattern: "spike",
          duration: 300,
          target: "http",
          intensity: 75
        })
        assert.strictEqual(status, 202)
        assert.isTrue(cluster.world.service("my-app")?.hasAddedLoad)
        assert.deepNestedInclude((yield* ask(LOAD_PATH)).json(), { "running[0].service": "my-app" })
        assert.deepStrictEqual((yield* post(STOP_PATH, {})).json(), { status: "stopped", stopped: 1 })
        assert.isFalse(cluster.world.service("my-app")?.hasAddedLoad)
        assert.deepStrictEqual((yield* post(CPU_STOP_PATH, {})).json(), { status: "stopped", stopped: 0 })
      })
    )
  )

  it.live("takes any workload by its name", () =>
    served(() =>
      Effect.gen(function* () {
        const { json } = yield* post(GENERATE_PATH, { pattern: "steady", duration: 5, target: "worker", intensity: 50 })
        assert.match(String(json()["level"]), /messages a second/u)
      })
    )
  )

  it.live("refuses what it cannot do, and says what to send instead", () =>
    served(() =>
      Effect.gen(function* () {
        const good = { pattern: "spike", duration: 300, target: "http", intensity: 75 }
        for (const [body, words] of [
          [{ ...good, pattern: "tsunami" }, /there is no pattern tsunami: choose one of .*spike/u],
          [{ ...good, target: "mainframe" }, /there is no mainframe; name one of .*http/u],
          [{ ...good, intensity: 750 }, /intensity: .*between 1 and 100.*Send for example \{/u],
          [{ ...good, duration: 0 }, /duration: .*between 1 and 86400/u],
          [{ pattern: "spike" }, /duration.*target.*intensity/u],
          ["no JSON", /Send for example/u]
        ] as const) {
          const { json, status } = yield* post(GENERATE_PATH, body)
          assert.strictEqual(status, 400)
          assert.match(String(json()["error"]), words)
        }
      })
    )
  )

  it.live("hears neither web pages nor other names than this machine's", () =>
    served(() =>
      Effect.gen(function* () {
        const body = JSON.stringify({ intensity: 80, duration: 300 })
        const form = yield* ask(CPU_PATH, { method: "POST", body, headers: { "content-type": "text/plain" } })
        assert.strictEqual(form.status, 415)
        const rebound = yield* ask(CPU_PATH, { method: "POST", body, headers: { host: "evil.example.com" } })
        assert.strictEqual(rebound.status, 421)
      })
    )
  )
})
