import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { assert, describe } from "vitest"
import type { Kubernetes, KubernetesError, KubernetesRequest } from "#services/Kubernetes"
import { simulated } from "#test/simulation/inSimulation"
import { type JsonObject, FaultyApi } from "#test/worlds/FaultyApi"
import { deployment } from "#test/worlds/workloads"
import { objectAt, textAt } from "#cluster/api/json"

const DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"

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

describe("an API server that can fail", () => {
  simulated(
    "breaks its promise of a next page once its history is forgotten",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const { service } = api.port("a")
      for (const name of ["a", "b", "c"]) api.create(deployment(name, 1))
      const page = (query: Record<string, string>) =>
        Effect.map(service.request({ method: "GET", path: DEPLOYMENTS, query: { limit: "2", ...query } }), object)
      const first = yield* page({})
      api.create(deployment("d", 1))
      const token = textAt(metadata(first), "continue")
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
      const api = yield* FaultyApi.make()
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
      const api = yield* FaultyApi.make()
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
