/** Where the operator's own things are: its Lease and its ConfigMaps. */
import * as Effect from "effect/Effect"
import type { KubernetesError } from "#services/Kubernetes"

/** A namespace that is known, or one that the API server has to tell and tells only when it can be asked. */
export type Home = string | Effect.Effect<string, KubernetesError>

export const resolveHome = (home: Home): Effect.Effect<string, KubernetesError> =>
  typeof home === "string" ? Effect.succeed(home) : home
