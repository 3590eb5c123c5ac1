/**
 * Where the operator's own things belong when nobody says it: outside a cluster beside those of an installed
 * operator, if there is one, so that both see each other's Lease; else where the kubeconfig's context points.
 */
import * as Effect from "effect/Effect"
import type { Home } from "#services/Home"
import { Kubernetes } from "#services/Kubernetes"
import { KubernetesAccess } from "#services/KubernetesAccess"
import type { Settings } from "#services/Settings"

export const DEFAULT_HOME = "nimbusguard"

/** Once it is told it stays: a Lease that moved would let two lead. */
export const homeNamespace = Effect.fnUntraced(function* ({
  inCluster,
  podNamespace
}: Pick<Settings, "inCluster" | "podNamespace">): Effect.fn.Return<Home, never, Kubernetes | KubernetesAccess> {
  if (inCluster || podNamespace !== DEFAULT_HOME) return podNamespace
  const { request } = yield* Kubernetes
  const { cluster } = yield* KubernetesAccess
  const contexts = cluster.namespace ?? "default"
  let told: string | undefined
  const path = `/api/v1/namespaces/${podNamespace}`
  const ask = Effect.suspend(() => request({ method: "GET", path })).pipe(
    Effect.as(podNamespace),
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () =>
        Effect.as(Effect.logInfo(`There is no namespace ${podNamespace}: the Lease is kept in ${contexts}`), contexts)
    ),
    Effect.catchIf(
      ({ reason }) => reason._tag === "Forbidden",
      () => Effect.succeed(podNamespace)
    ),
    Effect.tap((namespace) => Effect.sync(() => void (told = namespace)))
  )
  return Effect.suspend(() => (told === undefined ? ask : Effect.succeed(told)))
})
