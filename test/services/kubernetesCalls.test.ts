import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { ConfigMap } from "#schemas/kubernetes/ConfigMap"
import {
  apply,
  applyStatus,
  collectionPath,
  CONFIG_MAPS,
  create,
  find,
  get,
  list,
  mergePatch,
  refPath,
  remove,
  replace
} from "#services/kubernetesCalls"
import { simulated } from "#test/simulation/inSimulation"
import { type JsonObject, FaultyApi } from "#test/worlds/FaultyApi"

const MAPS = { ...CONFIG_MAPS, namespace: "shop" }
const configMap = (name: string, data: JsonObject = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "shop" },
  data
})
const tag = <A, R>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)
const dataOf = (map: ConfigMap) => map.data

describe("calls to the API server", () => {
  it("have the paths of the API, with names that cannot break out of them", () => {
    assert.strictEqual(collectionPath({ apiVersion: "v1", plural: "pods" }), "/api/v1/pods")
    assert.strictEqual(
      refPath({ apiVersion: "apps/v1", plural: "deployments", namespace: "shop", name: "web" }, "scale"),
      "/apis/apps/v1/namespaces/shop/deployments/web/scale"
    )
    assert.strictEqual(
      refPath({ ...MAPS, namespace: "a/b", name: "../c" }),
      "/api/v1/namespaces/a%2Fb/configmaps/..%2Fc"
    )
  })

  simulated(
    "create, read, replace, patch and remove, all under our own name",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      yield* Effect.gen(function* () {
        const ref = { ...MAPS, name: "a" }
        const made = yield* create(ConfigMap, MAPS, configMap("a", { n: "1" }))
        assert.deepStrictEqual(dataOf(yield* get(ConfigMap, ref)), { n: "1" })
        const body = { ...configMap("a", { n: "2" }), metadata: { ...made.metadata } }
        yield* replace(ConfigMap, ref, body)
        assert.strictEqual(yield* tag(replace(ConfigMap, ref, body)), "Conflict")
        assert.deepStrictEqual(dataOf(yield* mergePatch(ConfigMap, ref, { data: { m: "3" } })), { n: "2", m: "3" })
        assert.strictEqual(yield* tag(remove(ref, "uid-of-another")), "Conflict")
        yield* remove(ref, made.metadata.uid)
        yield* remove(ref)
        assert.isTrue(Option.isNone(yield* find(ConfigMap, ref)))
        assert.strictEqual(yield* tag(get(ConfigMap, ref)), "NotFound")
      }).pipe(Effect.provide(api.layer()))
      const writes = api.calls.filter((call) => ["POST", "PUT", "PATCH"].includes(call.method))
      assert.isTrue(writes.length > 0 && writes.every((call) => call.query["fieldManager"] === "nimbusguard"))
    })
  )

  simulated(
    "list all pages of one version, and start over when it went away",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      for (const name of ["a", "b", "c", "d", "e"]) api.create(configMap(name))
      let pages = 0
      api.fault((call) => {
        if (call.query["limit"] !== undefined && ++pages === 2) api.compact()
        return undefined
      })
      const all = yield* list(ConfigMap, MAPS, { limit: 2 }).pipe(Effect.provide(api.layer()))
      assert.deepStrictEqual(
        all.items.map((one) => one.metadata.name),
        ["a", "b", "c", "d", "e"]
      )
      assert.strictEqual(pages, 5)
    })
  )

  simulated(
    "read again when the server was away for a moment, and never write again",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(configMap("a"))
      const failed = new Set<string>()
      api.fault((call) => {
        if (failed.has(call.method)) return undefined
        failed.add(call.method)
        return { kind: "refuse", status: 503, retryAfterSeconds: 1 }
      })
      const ref = { ...MAPS, name: "a" }
      yield* get(ConfigMap, ref).pipe(Effect.provide(api.layer()))
      const write = tag(mergePatch(ConfigMap, ref, { data: { n: "1" } })).pipe(Effect.provide(api.layer()))
      assert.strictEqual(yield* write, "Throttled")
      assert.deepStrictEqual(api.get("ConfigMap", "shop", "a")["data"], {})
    })
  )

  simulated(
    "call what does not fit the schema malformed, and say where",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.fault(() => ({ kind: "garble", reply: { metadata: "nothing" } }))
      api.create(configMap("a"))
      const error = yield* Effect.flip(get(ConfigMap, { ...MAPS, name: "a" })).pipe(Effect.provide(api.layer()))
      assert.strictEqual(error.reason._tag, "Malformed")
      assert.match(error.detail, /metadata/u)
      assert.notInclude(error.detail, "\n")
    })
  )

  simulated(
    "apply a whole status: what is no longer said goes, what others said stays",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create({
        apiVersion: "nimbusguard.io/v1",
        kind: "ScalingPolicy",
        metadata: { name: "p", namespace: "shop" },
        spec: {}
      })
      api.patch("ScalingPolicy", "shop", "p", { status: { recommendedReplicas: 7 } })
      const ref = { apiVersion: "nimbusguard.io/v1", plural: "scalingpolicies", namespace: "shop", name: "p" }
      const report = (status: object) => applyStatus(ref, "ScalingPolicy", status).pipe(Effect.provide(api.layer()))
      yield* report({ phase: "Active", targetReplicas: 3 })
      yield* report({ phase: "Active" })
      assert.deepStrictEqual(api.get("ScalingPolicy", "shop", "p")["status"], {
        recommendedReplicas: 7,
        phase: "Active"
      })
      const before = api.server.store.version
      yield* report({ phase: "Active" })
      assert.strictEqual(api.server.store.version, before)
      const absent = { ...ref, name: "gone" }
      assert.strictEqual(
        yield* tag(applyStatus(absent, "ScalingPolicy", {}).pipe(Effect.provide(api.layer()))),
        "NotFound"
      )
    })
  )

  simulated(
    "apply what is not there by making it",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const body = { kind: "ConfigMap", metadata: { name: "new" }, data: { a: "1" } }
      yield* apply(Schema.Unknown, { ...MAPS, name: "new" }, body).pipe(Effect.provide(api.layer()))
      assert.deepStrictEqual(api.get("ConfigMap", "shop", "new")["data"], { a: "1" })
    })
  )
})
