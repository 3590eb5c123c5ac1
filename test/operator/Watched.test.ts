import * as Effect from "effect/Effect"
import { assert, describe } from "vitest"
import { type Change, makeWatched, objectKey } from "#operator/Watched"
import { simulated } from "#test/simulation/inSimulation"
import { type JsonObject, FaultyApi } from "#test/worlds/FaultyApi"
import { isObject, objectAt, textAt } from "#cluster/api/json"

const MAPS = { apiVersion: "v1", plural: "configmaps" }
const configMap = (name: string, data: JsonObject = {}, namespace = "shop"): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
  data
})
const project = (object: unknown) => (isObject(object) ? JSON.stringify(objectAt(object, "data")) : undefined)
const told = () => {
  const changes: Array<string> = []
  const onChange = ({ after, before, key }: Change<string>) => void changes.push(`${key} ${before} ${after}`)
  return { changes, onChange }
}

describe("what is watched", () => {
  simulated(
    "can be found by name, in one namespace or in all of them",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a", { n: "1" }))
      api.create(configMap("a", { n: "2" }, "bank"))
      const watched = yield* makeWatched({ collections: [MAPS], project }).pipe(Effect.provide(api.layer()))
      yield* watched.synced
      assert.strictEqual(watched.get(objectKey("bank", "a")), '{"n":"2"}')
      assert.isUndefined(watched.get(objectKey("mall", "a")))
      assert.deepStrictEqual([...watched.values()].sort(), ['{"n":"1"}', '{"n":"2"}'])
      assert.deepStrictEqual([watched.size(), watched.isSynced()], [2, true])
    })
  )

  simulated(
    "tells each change once, and after a resync only what differs",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      api.create(configMap("b"))
      const { changes, onChange } = told()
      const same = (before: string, after: string) => before === after
      const options = { collections: [MAPS], project, onChange, same }
      const watched = yield* makeWatched(options).pipe(Effect.provide(api.layer()))
      yield* watched.synced
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(changes, ["shop/a undefined {}", "shop/b undefined {}"])
      api.patch("ConfigMap", "shop", "a", { data: { n: "1" } })
      api.patch("ConfigMap", "shop", "a", { metadata: { labels: { seen: "no" } } })
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(changes.slice(2), ['shop/a {} {"n":"1"}'])
      api.breakWatches()
      api.patch("ConfigMap", "shop", "b", { data: { n: "2" } })
      api.compact()
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(changes.slice(3), ['shop/b {} {"n":"2"}'])
      assert.strictEqual(api.calls.filter((call) => call.method === "GET").length, 2)
    })
  )

  simulated(
    "goes when it can no longer be used, and comes back when it can",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      const { changes, onChange } = told()
      const useful = (object: unknown) => {
        const labels = isObject(object) ? objectAt(objectAt(object, "metadata"), "labels") : {}
        return textAt(labels, "broken") === "yes" ? undefined : project(object)
      }
      const watched = yield* makeWatched({ collections: [MAPS], project: useful, onChange }).pipe(
        Effect.provide(api.layer())
      )
      yield* watched.synced
      for (const broken of ["yes", "yes", "no"]) {
        yield* Effect.sleep("1 second")
        api.patch("ConfigMap", "shop", "a", { metadata: { labels: { broken } } })
      }
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(changes, ["shop/a undefined {}", "shop/a {} undefined", "shop/a undefined {}"])
    })
  )

  simulated(
    "is settled without what may not be read, and synced at once when there is nothing to watch",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const nothing = yield* makeWatched({ collections: [], project }).pipe(Effect.provide(api.layer()))
      yield* nothing.synced
      const heal = api.fault((call) => (call.path.includes("/bank/") ? { kind: "refuse", status: 403 } : undefined))
      const collections = ["shop", "bank"].map((namespace) => ({ ...MAPS, namespace }))
      const watched = yield* makeWatched({ collections, project }).pipe(Effect.provide(api.layer()))
      yield* watched.settled
      assert.deepStrictEqual([watched.isSynced(), watched.troubles().length], [false, 1])
      heal()
      yield* watched.synced
      assert.deepStrictEqual(watched.troubles(), [])
    })
  )

  simulated(
    "can be known anew over a connection that died unnoticed, while it waits, and at no cost right after a list",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      const watched = yield* makeWatched({ collections: [MAPS], project }).pipe(Effect.provide(api.layer("me")))
      const lists = () => api.calls.filter(({ method }) => method === "GET").length
      yield* watched.synced
      yield* watched.refresh
      assert.strictEqual(lists(), 1)
      yield* Effect.sleep("1 minute")

      api.setPartitioned("me", true)
      api.patch("ConfigMap", "shop", "a", { data: { n: "1" } })
      yield* Effect.sleep("10 seconds")
      api.setPartitioned("me", false)
      yield* Effect.sleep("1 second")
      assert.strictEqual(watched.get(objectKey("shop", "a")), "{}")
      yield* watched.refresh
      assert.strictEqual(watched.get(objectKey("shop", "a")), '{"n":"1"}')
      api.patch("ConfigMap", "shop", "a", { data: { n: "2" } })
      yield* Effect.sleep("1 second")
      assert.strictEqual(watched.get(objectKey("shop", "a")), '{"n":"2"}')

      api.setDown(true)
      yield* Effect.sleep("1 minute")
      api.setDown(false)
      api.patch("ConfigMap", "shop", "a", { data: { n: "3" } })
      const before = lists()
      yield* Effect.timeout(watched.refresh, "1 second")
      assert.strictEqual(watched.get(objectKey("shop", "a")), '{"n":"3"}')
      assert.strictEqual(lists(), before + 1)
    }),
    { seeds: 5 }
  )

  simulated(
    "does not wait for what may not be read",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      const watched = yield* makeWatched({ collections: [MAPS], project }).pipe(Effect.provide(api.layer()))
      yield* watched.synced
      yield* Effect.sleep("1 minute")
      api.fault(() => ({ kind: "refuse", status: 403 }))
      yield* Effect.timeout(watched.refresh, "1 second")
      assert.strictEqual(watched.get(objectKey("shop", "a")), "{}")
    })
  )
})
