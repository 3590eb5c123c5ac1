/**
 * Which resource a kind is: its plural, whether it lives in a namespace and whether it can be scaled. Asked of the
 * API server once per group and version and remembered for a while; what is not found is looked for again.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { ApiResourceList } from "#schemas/kubernetes/List"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { decode } from "#services/kubernetesCalls"
import { retryRead } from "#services/kubernetesRetry"
import { requestName } from "#services/kubernetesStatus"

export interface KindInfo {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly hasScale: boolean
}

/** A kind that was there stays there; one that is missing may be installed any moment. */
const KNOWN_MILLIS = 10 * 60_000
const UNKNOWN_MILLIS = 5_000

interface Known {
  readonly at: number
  /** Absent: the API server serves no such group and version. */
  readonly kinds: ReadonlyMap<string, KindInfo> | undefined
}

export class KubernetesDiscovery extends Context.Service<
  KubernetesDiscovery,
  {
    /** NotFound, with a sentence for the user, where no such kind is served. */
    readonly resolve: (apiVersion: string, kind: string) => Effect.Effect<KindInfo, KubernetesError>
    /** What is remembered, however old, without asking: for a write that must start now. */
    readonly recall: (apiVersion: string, kind: string) => KindInfo | undefined
    /** Whether the kind is served now. */
    readonly serves: (apiVersion: string, kind: string) => Effect.Effect<boolean, KubernetesError>
    /** After a NotFound on a path that discovery had named. */
    readonly forget: (apiVersion: string) => Effect.Effect<void>
  }
>()("nimbusguard/services/KubernetesDiscovery") {
  static readonly layer = Layer.effect(
    KubernetesDiscovery,
    Effect.gen(function* () {
      const { request } = yield* Kubernetes
      const known = new Map<string, Known>()
      const asking = yield* Semaphore.make(1) // a hundred policies of one kind ask once

      const ask = Effect.fn("KubernetesDiscovery.ask")(function* (apiVersion: string) {
        const call = { method: "GET" as const, path: groupPath(apiVersion) }
        const kinds = yield* retryRead(
          Effect.flatMap(request(call), (body) => decode(ApiResourceList)(call, body))
        ).pipe(
          Effect.map((list) => kindsOf(apiVersion, list)),
          Effect.catchIf(
            (error) => error.reason._tag === "NotFound",
            () => Effect.succeed(undefined)
          )
        )
        const answer: Known = { at: yield* Clock.currentTimeMillis, kinds }
        known.set(apiVersion, answer)
        return answer
      })

      /** What is remembered, unless it is too old to rely on. */
      const remembered = Effect.fnUntraced(function* (apiVersion: string, kind: string) {
        const held = known.get(apiVersion)
        if (held === undefined) return undefined
        const age = (yield* Clock.currentTimeMillis) - held.at
        return age < (held.kinds?.has(kind) === true ? KNOWN_MILLIS : UNKNOWN_MILLIS) ? held : undefined
      })

      const lookUp = Effect.fnUntraced(function* (apiVersion: string, kind: string) {
        const builtIn = BUILT_IN.get(`${apiVersion}/${kind}`)
        if (builtIn !== undefined) return builtIn
        const held = known.get(apiVersion)?.kinds?.get(kind)
        const asked = Effect.gen(function* () {
          return (yield* remembered(apiVersion, kind)) ?? (yield* ask(apiVersion))
        })
        const current = yield* remembered(apiVersion, kind)
        if (current !== undefined) return current.kinds?.get(kind)
        const anew = Effect.map(Semaphore.withPermit(asking, asked), (answer) => answer.kinds?.get(kind))
        // A server that cannot be asked has not taken the kind away.
        return yield* held === undefined ? anew : Effect.orElseSucceed(anew, () => held)
      })

      return {
        resolve: Effect.fnUntraced(function* (apiVersion: string, kind: string) {
          const info = yield* lookUp(apiVersion, kind)
          if (info !== undefined) return info
          return yield* new KubernetesError({
            request: requestName("GET", groupPath(apiVersion)),
            reason: { _tag: "NotFound" },
            detail: `The API server serves no kind ${kind} in ${apiVersion}: install it, or correct apiVersion and kind.`
          })
        }),
        recall: (apiVersion, kind) => BUILT_IN.get(`${apiVersion}/${kind}`) ?? known.get(apiVersion)?.kinds?.get(kind),
        serves: (apiVersion, kind) => Effect.map(lookUp(apiVersion, kind), (info) => info !== undefined),
        forget: (apiVersion) => Effect.sync(() => void known.delete(apiVersion))
      }
    })
  )
}

const groupPath = (apiVersion: string) => (apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`)

const kindsOf = (apiVersion: string, list: ApiResourceList): ReadonlyMap<string, KindInfo> => {
  const names = new Set(list.resources.map((one) => one.name))
  const main = list.resources.filter((one) => !one.name.includes("/"))
  return new Map(
    main.map(({ kind, name, namespaced }) => [
      kind,
      { apiVersion, kind, plural: name, namespaced, hasScale: names.has(`${name}/scale`) }
    ])
  )
}

/** The kinds of nearly every target: asking would only delay the first decision. */
const BUILT_IN: ReadonlyMap<string, KindInfo> = new Map(
  [
    ["Deployment", "deployments"],
    ["StatefulSet", "statefulsets"],
    ["ReplicaSet", "replicasets"]
  ].map(([kind = "", plural = ""]) => [
    `apps/v1/${kind}`,
    { apiVersion: "apps/v1", kind, plural, namespaced: true, hasScale: true }
  ])
)
