/** Before the operator starts: says which cluster it is about, installs the CRDs, and answers with its own namespace. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { KINDS } from "#schemas/crd/index"
import { installCrds } from "#services/crdInstallation"
import { homeNamespace } from "#services/homeNamespace"
import { type Kubernetes, type KubernetesError } from "#services/Kubernetes"
import { KubernetesAccess } from "#services/KubernetesAccess"
import type { Settings } from "#services/Settings"
import { VERSION } from "#services/version"

/** About what an API server that lives needs; one that does not must not keep the probes from answering. */
const INSTALL_PATIENCE = "1 second"
const RETRY_INSTALL = "10 seconds"

const definitions = () => KINDS.map((kind) => ({ ...definitionOf(kind, VERSION, fillHole) }))

const remedy = (error: KubernetesError): string =>
  error.reason._tag === "Forbidden"
    ? "this user may not install CRDs: install them with `kubectl apply -k manifests/crd` and set INSTALL_CRDS=false"
    : "trying again"

/** Until it is done or forbidden. Watches of kinds that are not there yet find them when they come. */
const install: Effect.Effect<void, never, Kubernetes> = Effect.suspend(() => installCrds(definitions(), VERSION)).pipe(
  Effect.catch((error) => {
    const told = Effect.logWarning(`The CRDs are not installed, ${remedy(error)}`, error)
    return error.reason._tag === "Forbidden" || error.reason._tag === "Invalid"
      ? told
      : told.pipe(Effect.andThen(Effect.sleep(RETRY_INSTALL)), Effect.andThen(install))
  })
)

export const makeReady = Effect.fnUntraced(function* (settings: Settings) {
  const { cluster } = yield* KubernetesAccess
  const watched = settings.watchNamespace?.join(", ") ?? "all namespaces"
  yield* Effect.logInfo(`nimbusguard ${VERSION} watches ${watched} of ${cluster.context} at ${cluster.server}`)
  if (cluster.insecure) {
    yield* Effect.logWarning("Nobody checks that this API server is who it says: the kubeconfig turns that off")
  }
  if (settings.installCrds) {
    const installing = yield* Effect.forkScoped(install)
    const done = yield* Effect.timeoutOption(Fiber.await(installing), INSTALL_PATIENCE)
    if (Option.isNone(done)) yield* Effect.logInfo("The CRDs are not installed yet; starting meanwhile")
  }
  return yield* homeNamespace(settings)
})
