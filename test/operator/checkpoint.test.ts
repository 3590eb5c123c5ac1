import { Effect, Layer } from "effect"
import { assert, describe } from "vitest"
import type { Memory } from "#schemas/Memory"
import { Checkpoints } from "#operator/checkpoint"
import { leaderWhile } from "#test/operator/leaders"
import { deployment, memory } from "#test/operator/records"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"

const NAMESPACE = "nimbusguard"
const web = deployment("web")

const recalling = (replicas: number): Memory => ({ ...memory(), recommendations: [{ at: 1, replicas }] })

const checkpoints = (api: FaultyApi, mayAct: () => boolean = () => true) =>
  Checkpoints.layer({ namespace: NAMESPACE }).pipe(
    Layer.provide(leaderWhile(mayAct)),
    Layer.provide(api.layer()),
    Layer.fresh
  )

const maps = (api: FaultyApi) => api.list("ConfigMap", NAMESPACE)
const writes = (api: FaultyApi) => api.calls.filter(({ method }) => method !== "GET" && method !== "WATCH").length

describe("Checkpoints", () => {
  simulated(
    "gives the next leader what the last one remembered, and nobody's memory to anybody else",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        memories.remember("a", [{ target: web, memory: recalling(3) }])
        memories.remember("b", [{ target: web, memory: recalling(5) }])
        yield* memories.flush
      }).pipe(Effect.provide(checkpoints(api)))
      assert.strictEqual(maps(api).length, 1)
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        assert.deepStrictEqual(memories.recall("a", web)?.memory, recalling(3))
        assert.deepStrictEqual(memories.recall("b", web)?.memory, recalling(5))
        assert.isUndefined(memories.recall("a", deployment("api")))
        assert.isUndefined(memories.recall("c", web))
      }).pipe(Effect.provide(checkpoints(api)))
    }),
    { seeds: 10 }
  )

  simulated(
    "writes at most once a minute per ConfigMap, and nothing while nothing changes",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        yield* Effect.forkScoped(memories.run)
        for (let second = 0; second < 600; second += 5) {
          memories.remember("a", [{ target: web, memory: recalling(second) }])
          yield* Effect.sleep("5 seconds")
        }
        assert.isAtMost(writes(api), 12)
        assert.isAtLeast(writes(api), 8)
        yield* Effect.sleep("2 minutes")
        const before = writes(api)
        yield* Effect.sleep("1 hour")
        assert.strictEqual(writes(api), before)
      }).pipe(Effect.provide(checkpoints(api)))
    }),
    { seeds: 5 }
  )

  simulated(
    "sweeps the memory of policies that are gone, and the ConfigMap with the last of them",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        for (const uid of ["a", "b", "c"]) memories.remember(uid, [{ target: web, memory: recalling(1) }])
        yield* memories.flush
        memories.forget("a")
        yield* memories.flush
        memories.sweep(new Set(["c"]))
        yield* memories.flush
        assert.deepStrictEqual(Object.keys(maps(api)[0]?.["data"] ?? {}), ["c"])
        memories.forget("c")
        yield* memories.flush
        assert.deepStrictEqual(maps(api), [])
        memories.remember("d", [{ target: web, memory: recalling(1) }])
        yield* memories.flush
        assert.strictEqual(maps(api).length, 1)
      }).pipe(Effect.provide(checkpoints(api)))
    }),
    { seeds: 10 }
  )

  simulated(
    "survives refused, lost and doubled writes: in the end everything is there once",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        const heal = api.fault(({ method, writes }) => {
          if (method === "GET" || method === "WATCH") return undefined
          if (writes % 4 === 1) return { kind: "loseReply" }
          if (writes % 4 === 2) return { kind: "refuse", status: 409, reason: "Conflict" }
          if (writes % 4 === 3) return { kind: "refuse", status: 500 }
          return undefined
        })
        for (let round = 0; round < 8; round++) {
          memories.remember(`p${round}`, [{ target: web, memory: recalling(round) }])
          if (round === 5) memories.forget("p1")
          yield* memories.flush
        }
        heal()
        yield* memories.flush
        yield* memories.flush
        const data = maps(api).flatMap((map) => Object.keys(map["data"] ?? {}))
        assert.deepStrictEqual(data.sort(), ["p0", "p2", "p3", "p4", "p5", "p6", "p7"])
      }).pipe(Effect.provide(checkpoints(api)))
    }),
    { seeds: 10 }
  )

  simulated(
    "writes nothing outside the act window, and keeps it for later",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      let mayAct = false
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        memories.remember("a", [{ target: web, memory: recalling(1) }])
        yield* memories.flush
        assert.strictEqual(writes(api), 0)
        mayAct = true
        yield* memories.flush
        assert.strictEqual(maps(api).length, 1)
      }).pipe(Effect.provide(checkpoints(api, () => mayAct)))
    })
  )

  simulated(
    "leaves alone what a later version of the operator wrote",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const text = '{"at":1,"targets":{"apps/Deployment/shop/web":{"version":99}}}'
      api.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "nimbusguard-memory-0", namespace: NAMESPACE, labels: { "nimbusguard.io/memory": "true" } },
        data: { a: text }
      })
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        assert.isUndefined(memories.recall("a", web))
        memories.remember("a", [{ target: web, memory: recalling(4) }])
        memories.remember("b", [{ target: web, memory: recalling(5) }])
        yield* memories.flush
        const data = maps(api)[0]?.["data"] as Record<string, string>
        assert.deepStrictEqual(Object.keys(data).sort(), ["a", "b"])
        assert.strictEqual(data["a"], text)
      }).pipe(Effect.provide(checkpoints(api)))
    })
  )

  simulated(
    "starts anew where the ConfigMap holds something else, or cannot be read",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "nimbusguard-memory-0", namespace: NAMESPACE, labels: { "nimbusguard.io/memory": "true" } },
        data: {
          a: "{",
          b: '{"at":1,"targets":{"apps/Deployment/shop/web":{"version":99}}}',
          c: '{"at":1,"targets":{}}'
        }
      })
      yield* Effect.gen(function* () {
        const memories = yield* Checkpoints
        yield* memories.load
        for (const uid of ["a", "b", "c"]) assert.isUndefined(memories.recall(uid, web))
        memories.remember("a", [{ target: web, memory: recalling(4) }])
        yield* memories.flush
        yield* memories.load
        assert.deepStrictEqual(memories.recall("a", web)?.memory, recalling(4))
        const heal = api.fault(() => ({ kind: "refuse", status: 403 }))
        yield* memories.load
        heal()
        assert.isUndefined(memories.recall("a", web))
      }).pipe(Effect.provide(checkpoints(api)))
    })
  )
})
