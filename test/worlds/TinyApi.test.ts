import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { assert, describe } from "vitest"
import type { Kubernetes, KubernetesError, KubernetesRequest } from "#services/Kubernetes"
import { simulated } from "#test/simulation/inSimulation"
import { type JsonObject, TinyApi } from "#test/worlds/TinyApi"
import { objectAt, wordAt } from "#test/worlds/TinyStore"

const DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"

const deployment = (name: string, replicas: number): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "shop", labels: { app: name } },
  spec: { replicas, selector: { matchLabels: { app: name } } }
})

const object = (value: unknown) => value as JsonObject
const metadata = (value: unknown) => objectAt(object(value), "metadata")
const failure = (port: Kubernetes["Service"], request: KubernetesRequest) =>
  Effect.map(Effect.flip(port.request(request)), (error: KubernetesError) => error.reason._tag)

const patch = (path: string, body: unknown, manager = "nimbusguard"): KubernetesRequest => ({
  method: "PATCH",
  path,
  body,
  query: { fieldManager: manager },
  contentType: "application/merge-patch+json"
})

describe("the tiny API server", () => {
  simulated(
    "scales through /scale under a resourceVersion, and says who owns the field",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      api.create(deployment("web", 3))
      const { service } = api.port("a")
      const scale = object(yield* service.request({ method: "GET", path: `${DEPLOYMENTS}/web/scale` }))
      assert.deepStrictEqual([scale["kind"], scale["spec"]], ["Scale", { replicas: 3 }])
      assert.deepStrictEqual(objectAt(scale, "status")["selector"], "app=web")
      const guarded = (replicas: number) =>
        patch(`${DEPLOYMENTS}/web/scale`, {
          metadata: { resourceVersion: wordAt(metadata(scale), "resourceVersion") },
          spec: { replicas }
        })
      yield* service.request(guarded(5))
      assert.strictEqual(yield* failure(service, guarded(7)), "Conflict")
      const live = api.get("Deployment", "shop", "web")
      assert.strictEqual(objectAt(live, "spec")["replicas"], 5)
      assert.strictEqual(metadata(live)["generation"], 2)
      const entries = metadata(live)["managedFields"] as ReadonlyArray<JsonObject>
      const ours = entries.find((entry) => entry["manager"] === "nimbusguard")
      assert.deepStrictEqual([ours?.["subresource"], ours?.["fieldsV1"]], ["scale", { "f:spec": { "f:replicas": {} } }])
      assert.notProperty(ours, "time")
      assert.isFalse(JSON.stringify(entries.filter((entry) => entry !== ours)).includes("f:replicas"))
    })
  )

  simulated(
    "leaves a write that changes nothing without a trace, and keeps status and spec apart",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      const before = metadata(api.create(deployment("web", 3)))["resourceVersion"]
      const { service } = api.port("a")
      const same = yield* service.request(
        patch(`${DEPLOYMENTS}/web`, { spec: { replicas: 3 }, status: { replicas: 9 } })
      )
      assert.strictEqual(metadata(same)["resourceVersion"], before)
      const next = yield* service.request(
        patch(`${DEPLOYMENTS}/web/status`, { spec: { replicas: 9 }, status: { replicas: 3 } })
      )
      assert.deepStrictEqual(object(next)["status"], { replicas: 3 })
      assert.strictEqual(objectAt(object(next), "spec")["replicas"], 3)
      assert.strictEqual(metadata(next)["generation"], 1)
    })
  )

  simulated(
    "applies for several managers, and refuses to take a field unless forced",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      const { service } = api.port("a")
      const apply = (manager: string, data: JsonObject, force: boolean): KubernetesRequest => ({
        method: "PATCH",
        path: "/api/v1/namespaces/shop/configmaps/memory",
        query: { fieldManager: manager, force: String(force) },
        contentType: "application/apply-patch+yaml",
        body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "memory" }, data }
      })
      yield* service.request(apply("one", { a: "1", b: "1" }, false))
      assert.strictEqual(yield* failure(service, apply("two", { a: "2" }, false)), "Conflict")
      yield* service.request(apply("two", { a: "2", c: "2" }, true))
      yield* service.request(apply("one", {}, true))
      assert.deepStrictEqual(api.get("ConfigMap", "shop", "memory")["data"], { a: "2", c: "2" })
    })
  )

  simulated(
    "tells watchers of commits in order, of relevance by selector, and of versions that are gone",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      const { service } = api.port("a")
      const from = api.store.version
      const seen = yield* service
        .watch(DEPLOYMENTS, { resourceVersion: String(from), labelSelector: "tier=web" })
        .pipe(Stream.take(3), Stream.runCollect, Effect.forkScoped({ startImmediately: true }))
      yield* Effect.sleep("1 second")
      api.create(deployment("other", 1))
      api.create(deployment("web", 1))
      api.patch("Deployment", "shop", "web", { metadata: { labels: { tier: "web" } } })
      api.scale("Deployment", "shop", "web", 4)
      api.patch("Deployment", "shop", "web", { metadata: { labels: { tier: "batch" } } })
      const events = yield* Fiber.join(seen)
      assert.deepStrictEqual(
        events.map((event) => event.type),
        ["ADDED", "MODIFIED", "DELETED"]
      )
      api.compact()
      const late = yield* Effect.exit(Stream.runDrain(service.watch(DEPLOYMENTS, { resourceVersion: String(from) })))
      assert.isTrue(Exit.isFailure(late))
      assert.match(JSON.stringify(late), /"_tag":"Gone"/u)
    })
  )

  simulated(
    "pages a list as it was at its first page",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      const { service } = api.port("a")
      for (const name of ["a", "b", "c"]) api.create(deployment(name, 1))
      const page = (query: Record<string, string>) =>
        Effect.map(service.request({ method: "GET", path: DEPLOYMENTS, query: { limit: "2", ...query } }), object)
      const first = yield* page({})
      api.create(deployment("d", 1))
      const token = wordAt(metadata(first), "continue")
      const second = yield* page({ continue: token })
      const names = [first, second].flatMap((list) =>
        (list["items"] as ReadonlyArray<JsonObject>).map((item) => metadata(item)["name"])
      )
      assert.deepStrictEqual(names, ["a", "b", "c"])
      assert.strictEqual(metadata(second)["resourceVersion"], metadata(first)["resourceVersion"])
      api.compact()
      assert.strictEqual(
        yield* failure(service, { method: "GET", path: DEPLOYMENTS, query: { continue: token } }),
        "Gone"
      )
    })
  )

  simulated(
    "commits what was sent although the client is cut off, and nothing that comes later",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      api.create(deployment("web", 1))
      const port = api.port("a")
      const heal = api.fault((call) => (call.method === "PATCH" ? { kind: "slow", millis: 500 } : undefined))
      const scale = (replicas: number) => port.service.request(patch(`${DEPLOYMENTS}/web`, { spec: { replicas } }))
      const first = yield* Effect.forkScoped(scale(2), { startImmediately: true })
      yield* Effect.sleep(200)
      port.cut()
      heal()
      const second = yield* Effect.forkScoped(scale(3), { startImmediately: true })
      const ends = yield* Effect.forEach([first, second], (fiber) => Effect.flip(Fiber.join(fiber)))
      assert.deepStrictEqual(
        ends.map((error) => error.reason._tag),
        ["Unknown", "Unknown"]
      )
      assert.deepStrictEqual(objectAt(api.get("Deployment", "shop", "web"), "spec")["replicas"], 2)
    })
  )

  simulated(
    "calls a lost answer unknown for a write and unreachable for a read",
    Effect.gen(function* () {
      const api = yield* TinyApi.make()
      api.create(deployment("web", 1))
      const { service } = api.port("a")
      api.fault((call) => (call.calls <= 2 ? { kind: "loseReply" } : undefined))
      const write = patch(`${DEPLOYMENTS}/web`, { spec: { replicas: 2 } })
      assert.strictEqual(yield* failure(service, write), "Unknown")
      assert.strictEqual(yield* failure(service, { method: "GET", path: `${DEPLOYMENTS}/web` }), "Unreachable")
      assert.strictEqual(objectAt(object(yield* service.request({ ...write })), "spec")["replicas"], 2)
      assert.strictEqual(metadata(api.get("Deployment", "shop", "web"))["generation"], 2)
    })
  )
})
