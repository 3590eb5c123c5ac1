/**
 * The same API server, asked in the name of somebody who gave their token for this one question: their rights and
 * their audit trail, and never the operator's own. Nothing of it is kept, and no certificate of ours goes along.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Kubernetes, type KubernetesError, type KubernetesRequest } from "#services/Kubernetes"
import { KubernetesAccess } from "#services/KubernetesAccess"
import { layerTransport } from "#services/KubernetesLive"

export class KubernetesAs extends Context.Service<
  KubernetesAs,
  {
    readonly request: (
      token: Redacted.Redacted<string>,
      request: KubernetesRequest
    ) => Effect.Effect<unknown, KubernetesError>
  }
>()("nimbusguard/services/KubernetesAs") {}

export const layer: Layer.Layer<KubernetesAs, never, KubernetesAccess> = Layer.effect(
  KubernetesAs,
  Effect.map(KubernetesAccess, ({ cluster, load }) => {
    const theirs = (token: Redacted.Redacted<string>) =>
      Layer.succeed(KubernetesAccess, {
        cluster,
        load: (anew: boolean) =>
          Effect.map(load(anew), ({ tls: { ca, rejectUnauthorized, servername } }) => ({
            headers: { authorization: `Bearer ${Redacted.value(token)}` },
            tls: { ca, rejectUnauthorized, servername }
          }))
      })
    return {
      request: (token, request) =>
        Kubernetes.use((kubernetes) => kubernetes.request(request)).pipe(
          Effect.provide(Layer.fresh(layerTransport()).pipe(Layer.provide(theirs(token))))
        )
    }
  })
)
