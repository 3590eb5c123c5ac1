/**
 * A whole operator in a small cluster: the real watches, election, actors and engines over a FaultyApi, with sources
 * that say what the test says. Deployments get the pods they ask for a moment later.
 */
import { Effect, Layer, Result } from "effect"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { type Millis, measured, type Reading } from "#schemas/Reading"
import type { Condition, Status } from "#schemas/Status"
import { Plugs } from "#operator/bind"
import * as Operator from "#operator/Operator"
import { Metrics } from "#services/Metrics"
import { type Call, type JsonObject, FaultyApi, type FaultyPort } from "#test/worlds/FaultyApi"
import { Kubernetes } from "#services/Kubernetes"
import { objectAt, textAt } from "#cluster/api/json"

export type Source = (input: { readonly at: Millis; readonly signal: string }) => Effect.Effect<Reading>

export const NAMESPACE = "shop"
/** What one replica of every policy here can carry. */
export const PER_REPLICA = 10

export interface World {
  readonly api: FaultyApi
  /** By the target's name; absent: exactly what the replicas carry, so nothing is to be done. */
  readonly sources: Map<string, Source>
  /** The load for so many replicas from now on. */
  readonly load: (target: string, replicas: number) => void
  readonly deploy: (name: string, replicas: number, labels?: Readonly<Record<string, string>>) => void
  readonly policy: (name: string, spec?: JsonObject) => void
  readonly replicas: (name: string) => number
  readonly status: (policy: string) => Status
  readonly condition: (policy: string, type: Condition["type"]) => Condition | undefined
  /** `policy: Reason`, in no order. */
  readonly events: () => ReadonlyArray<string>
  /** Writes of spec.replicas in our name: who wrote how many, when. */
  readonly writes: Array<{ readonly target: string; readonly to: number; readonly at: Millis; readonly client: string }>
  readonly statusWrites: (policy: string) => number
  /** One process; it may be started again under another name. */
  readonly operator: (
    client: string,
    options?: Partial<Operator.OperatorOptions>
  ) => { readonly port: FaultyPort; readonly layer: ReturnType<typeof operatorLayer> }
}

const operatorLayer = (
  kubernetes: Kubernetes["Service"],
  sources: World["sources"],
  options: Operator.OperatorOptions
) => {
  const plugs = Layer.succeed(Plugs, {
    signal: (signal) =>
      Result.succeed({
        signal,
        built: true,
        sample: ({ at, target }) =>
          sources.get(target.name)?.({ at, signal: signal.name }) ?? Effect.succeed(measured(0, at))
      })
  })
  return Operator.layer(options).pipe(
    Layer.provide(plugs),
    Layer.provide(Metrics.layerNone),
    Layer.provide(Layer.succeed(Kubernetes, kubernetes)),
    Layer.fresh
  )
}

const replicasIn = (object: JsonObject | undefined): number | undefined => {
  const replicas = objectAt(object ?? {}, "spec")["replicas"]
  return typeof replicas === "number" ? replicas : undefined
}

const isStatusWrite = (policy: string) => (call: Call) =>
  call.method === "PATCH" && call.path.endsWith(`/scalingpolicies/${policy}/status`)

export const makeWorld = Effect.gen(function* () {
  const api = yield* FaultyApi.make()
  const sources: World["sources"] = new Map()
  const writes: World["writes"] = []
  let writing = ""
  api.fault((call: Call) => {
    if (call.method === "PATCH" && call.path.endsWith("/scale")) writing = call.client
    return undefined
  })
  api.onCommit(({ before, manager, object, resource }) => {
    const to = replicasIn(object)
    if (resource !== "deployments.apps" || manager !== "nimbusguard") return
    if (to === undefined || to === replicasIn(before)) return
    const name = textAt(objectAt(object, "metadata"), "name")
    writes.push({ target: name, to, at: api.now(), client: writing })
  })
  // The Deployment controller and the kubelet in one.
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sync(() => {
          for (const object of api.list("Deployment")) {
            const metadata = objectAt(object, "metadata")
            const replicas = replicasIn(object) ?? 1
            const status = objectAt(object, "status")
            if (status["replicas"] === replicas && status["observedGeneration"] === metadata["generation"]) continue
            api.patch("Deployment", textAt(metadata, "namespace"), textAt(metadata, "name"), {
              status: {
                observedGeneration: metadata["generation"] ?? 1,
                replicas,
                readyReplicas: replicas,
                updatedReplicas: replicas
              }
            })
          }
        }),
        Effect.sleep(250)
      )
    )
  )
  const world: World = {
    api,
    sources,
    load: (target, replicas) =>
      void sources.set(target, ({ at }) => Effect.succeed(measured(replicas * PER_REPLICA, at))),
    deploy: (name, replicas, labels = { app: name }) =>
      void api.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace: NAMESPACE, labels },
        spec: {
          replicas,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "main", image: "none" }] } }
        }
      }),
    policy: (name, spec = {}) =>
      void api.create({
        apiVersion: "nimbusguard.io/v1",
        kind: "ScalingPolicy",
        metadata: { name, namespace: NAMESPACE },
        spec: {
          target: { apiVersion: "apps/v1", kind: "Deployment", name },
          scaling: { minReplicas: 1, maxReplicas: 10, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
          signals: [
            {
              name: "load",
              prometheus: { serverUrl: "http://prometheus:9090", query: "load" },
              target: { type: "AverageValue", value: String(PER_REPLICA) }
            }
          ],
          ...spec
        }
      }),
    replicas: (name) => replicasIn(api.find("Deployment", NAMESPACE, name)) ?? -1,
    status: (policy) => objectAt(api.get("ScalingPolicy", NAMESPACE, policy), "status") as unknown as Status,
    condition: (policy, type) => world.status(policy).conditions?.find((each) => each.type === type),
    events: () =>
      api
        .events(NAMESPACE)
        .map((event) => `${textAt(objectAt(event, "regarding"), "name")}: ${textAt(event, "reason")}`),
    writes,
    statusWrites: (policy) => api.calls.filter(isStatusWrite(policy)).length,
    operator: (client, options = {}) => {
      const port = api.port(client)
      const layer = operatorLayer(port.service, sources, {
        namespaces: undefined,
        ownNamespace: "nimbusguard",
        identity: client,
        leaderElection: true,
        decode: DECODE_SETTINGS,
        ...options
      })
      return { port, layer }
    }
  }
  return world
})

/** Runs one operator for as long as the body lasts. */
export const running = <A, E, R>(world: World, body: Effect.Effect<A, E, R>, client = "a") =>
  Effect.provide(body, world.operator(client).layer)

/** Scaling down waits for the highest of five minutes. */
export const HELD = { behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } }
