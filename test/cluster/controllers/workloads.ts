/** A cluster with its controllers in virtual time, and the objects that its tests put into it. */
import { Clock, Effect } from "effect"
import { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import { nameOf, valueAt } from "#cluster/api/json"
import { type ControllersOptions, run } from "#cluster/controllers/Controllers"

export const NAMESPACE = "shop"

export const makeCluster = (options: ControllersOptions = {}) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const server = new ApiServer(() => clock.currentTimeMillisUnsafe())
    server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } })
    const controllers = yield* run(server, options)
    const read = (kind: string, name: string) => server.find(kind, NAMESPACE, name) ?? {}
    return {
      server,
      controllers,
      read,
      at: (kind: string, name: string, path: string) => valueAt(read(kind, name), path),
      names: (kind: string) => server.list(kind, NAMESPACE).map(nameOf),
      patch: (kind: string, name: string, patch: JsonObject) => server.patch(kind, NAMESPACE, name, patch, "kubectl")
    }
  })

export type TestCluster = Effect.Success<ReturnType<typeof makeCluster>>

export const template = (app: string, container: JsonObject = {}): JsonObject => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: "main", image: "shop:1", ...container }] }
})

export const deployment = (name: string, replicas: number, spec: JsonObject = {}): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: NAMESPACE },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...spec }
})

export const statefulSet = (name: string, replicas: number, spec: JsonObject = {}): JsonObject => ({
  ...deployment(name, replicas, { serviceName: name, ...spec }),
  kind: "StatefulSet"
})
