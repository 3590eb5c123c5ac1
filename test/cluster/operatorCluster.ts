/** An embedded cluster for a whole operator in virtual time, and the operator on it. */
import { Clock, Effect, Layer } from "effect"
import { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, valueAt } from "#cluster/api/json"
import { layer } from "#cluster/ClusterKubernetes"
import { definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import type { Plugs } from "#operator/bind"
import * as Operator from "#operator/Operator"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { KINDS } from "#schemas/crd/index"
import type { Metrics } from "#services/Metrics"
import { NAMESPACE } from "#test/cluster/controllers/workloads"

export const HOME = "nimbusguard"

/** The cluster with our CRDs, and the Deployment controller in one line: whatever is asked for runs. */
export const makeCluster = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const server = new ApiServer(now)
  for (const kind of KINDS) server.create(definitionOf(kind, "0.1.0", fillHole) as unknown as JsonObject)
  for (const name of [NAMESPACE, HOME]) server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
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
  return { server, now }
})

export const operatorOn = (
  { now, server }: Effect.Success<typeof makeCluster>,
  plugs: Layer.Layer<Plugs>,
  metrics: Layer.Layer<Metrics>
) =>
  Operator.layer({
    namespaces: undefined,
    ownNamespace: HOME,
    identity: "a",
    leaderElection: true,
    decode: DECODE_SETTINGS
  }).pipe(Layer.provide(plugs), Layer.provide(metrics), Layer.provide(layer(server, now)), Layer.fresh)
