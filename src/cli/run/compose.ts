/** The whole operator as one Layer over a Kubernetes: every part is made once, here and nowhere else. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { layerLookAfter } from "#cli/run/lookAfter"
import { Operations } from "#dashboard/Operations"
import { layerServers } from "#dashboard/server"
import * as Bind from "#operator/bind"
import { Leader } from "#operator/Leader"
import * as Operator from "#operator/Operator"
import { Supervisor } from "#operator/Supervisor"
import type { Egress } from "#services/Egress"
import type { Home } from "#services/Home"
import { layerLanguageModel } from "#services/languageModel"
import type { Prometheus } from "#services/Prometheus"
import { Settings } from "#services/Settings"
import * as SourceSystems from "#services/SourceSystems"
import { VERSION } from "#services/version"
import type { SourceServices } from "#sources/index"

const layerOperations = Layer.effect(
  Operations,
  Effect.gen(function* () {
    const leader = yield* Leader
    const supervisor = yield* Supervisor
    return {
      version: VERSION,
      leadership: Effect.map(SubscriptionRef.get(leader.state), ({ leading, holder }) => ({ leading, holder })),
      wake: (uid, cause) => supervisor.tell(uid, { _tag: "Poked", cause })
    }
  })
)

/** What differs where the cluster is embedded: the systems that sources ask, and who listens where. */
export interface Around<E1, R1, E2, R2> {
  readonly sources: Layer.Layer<SourceServices | Prometheus | Egress, E1, R1>
  readonly servers: Layer.Layer<never, E2, R2>
}

/** The operator with other surroundings than its own; Kubernetes, Metrics and Settings are given. */
export const layerOperatorIn = <E1, R1, E2, R2>(
  settings: Settings,
  home: Home,
  { servers, sources }: Around<E1, R1, E2, R2>
) => {
  const operator = Operator.layer({
    namespaces: settings.watchNamespace,
    ownNamespace: home,
    identity: settings.podName,
    leaderElection: settings.leaderElect,
    decode: {
      allowCrossNamespace: settings.allowCrossNamespace,
      defaults: settings.defaults,
      ...(settings.prometheusUrl === undefined ? {} : { prometheusUrl: settings.prometheusUrl })
    }
  })
  return Layer.mergeAll(servers, layerLookAfter).pipe(
    Layer.provideMerge(layerOperations),
    Layer.provideMerge(operator),
    Layer.provide([Bind.Plugs.layer, layerLanguageModel]),
    Layer.provide(sources)
  )
}

/** Kubernetes, Metrics and Settings are given; everything else is made here. */
export const layerOperator = (settings: Settings, home: Home) =>
  layerOperatorIn(settings, home, { sources: SourceSystems.layer, servers: layerServers(settings) })
