/**
 * Where the operator's own things belong when nobody says it: outside a cluster beside those of an installed
 * operator, if there is one, so that both see each other's Lease; else where the kubeconfig's context points.
 */
import * as Effect from "effect/Effect"
import { Kubernetes } from "#services/Kubernetes"
import { KubernetesAccess } from "#services/KubernetesAccess"
import type { Settings } from "#services/Settings"

export const DEFAULT_HOME = "nimbusguard"

export const homeNamespace = Effect.fnUntraced(function* ({
  inCluster,
  podNamespace
}: Pick<Settings, "inCluster" | "podNamespace">) {
  if (inCluster || podNamespace !== DEFAULT_HOME) return podNamespace
  const { request } = yield* Kubernetes
  const { cluster } = yield* KubernetesAccess
  return yield* request({ method: "GET", path: `/api/v1/namespaces/${podNamespace}` }).pipe(
    Effect.as(podNamespace),
    Effect.catch(({ reason }) =>
      Effect.succeed(reason._tag === "NotFound" ? (cluster.namespace ?? "default") : podNamespace)
    )
  )
})
