/**
 * Reads and writes the replicas of anything that has a /scale, of whatever kind. A write names the version that it
 * was decided on; a lost answer can be settled because the API server keeps who wrote spec.replicas last.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Meta } from "#schemas/kubernetes/Meta"
import { Scale } from "#schemas/kubernetes/Scale"
import type { Target } from "#schemas/Policy"
import { KubernetesError } from "#services/Kubernetes"
import { FIELD_MANAGER, get, mergePatch, type Ref, refPath } from "#services/kubernetesCalls"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { requestName } from "#services/kubernetesStatus"

/** Where the target is; Invalid, with a sentence for the user, when its kind cannot be scaled. */
export const targetRef = Effect.fnUntraced(function* (target: Target, asking: "ask" | "recall" = "ask") {
  const discovery = yield* KubernetesDiscovery
  const recalled = asking === "recall" ? discovery.recall(target.apiVersion, target.kind) : undefined
  const info = recalled ?? (yield* discovery.resolve(target.apiVersion, target.kind))
  const ref: Ref = {
    apiVersion: target.apiVersion,
    plural: info.plural,
    namespace: info.namespaced ? target.namespace : undefined,
    name: target.name
  }
  if (info.hasScale) return ref
  return yield* new KubernetesError({
    request: requestName("GET", refPath(ref, "scale")),
    reason: { _tag: "Invalid" },
    detail: `${target.kind} has no scale subresource: name a kind that kubectl scale can scale.`
  })
})

/** A path that is not there may be one that a new version of a CRD took away: ask anew the next time. */
const forgetting = <A, R>(target: Target, call: Effect.Effect<A, KubernetesError, R>) =>
  Effect.tapError(call, (error) =>
    error.reason._tag === "NotFound"
      ? Effect.flatMap(KubernetesDiscovery, (discovery) => discovery.forget(target.apiVersion))
      : Effect.void
  )

export const getScale = Effect.fn("kubernetesScale.getScale")(function* (target: Target) {
  const ref = yield* targetRef(target)
  return yield* forgetting(target, get(Scale, ref, "scale"))
})

/**
 * No scale write of ours commits later than this after the server got it: the API server gives up a request when
 * the `timeout` that it names is over. The leader's act window counts on it. Only an etcd that stood still may have
 * a write in its queue for longer; but then nobody could take the lease meanwhile either, and the version that each
 * write names lets just one of two through.
 */
export const SCALE_COMMIT_MILLIS = 5_000
const SCALE_ANSWER_MILLIS = SCALE_COMMIT_MILLIS + 1_000

/**
 * Never retried here: Conflict means decide again, Unknown means read back (`readReplicasOwner`). Starts at once,
 * and once it has, its end is awaited whoever interrupts: nothing of it is under way any more when the work of a
 * leader has ended and the lease is given back.
 */
export const patchScale = Effect.fn("kubernetesScale.patchScale")(function* (
  target: Target,
  replicas: number,
  resourceVersion: string
) {
  const ref = yield* targetRef(target, "recall")
  const patch = { metadata: { resourceVersion }, spec: { replicas } }
  const bounds = { commitMillis: SCALE_COMMIT_MILLIS, timeoutMillis: SCALE_ANSWER_MILLIS }
  return yield* Effect.uninterruptible(forgetting(target, mergePatch(Scale, ref, patch, "scale", bounds)))
})

export const replicasOf = (scale: Scale): number => scale.spec?.replicas ?? 0

const Main = Schema.Struct({ metadata: Meta })

export interface ReplicasOwner {
  readonly resourceVersion: string
  readonly uid: string
  /** Managers that hold spec.replicas; ours through /scale only. Empty: nobody is known. */
  readonly managers: ReadonlyArray<string>
  /** spec.replicas was last written by us through /scale. */
  readonly ours: boolean
}

/**
 * Who wrote the replicas last, from the main object's managedFields. A /scale of a built-in kind keeps no
 * annotation of ours and no time, so this is what settles an unknown outcome: after a lost answer to "R -> n", replicas n held
 * by us mean that it happened; the old resourceVersion means that it has not, and that sending it again under the
 * same precondition can succeed at most once.
 */
export const readReplicasOwner = Effect.fn("kubernetesScale.readReplicasOwner")(function* (target: Target) {
  const ref = yield* targetRef(target)
  const { metadata } = yield* forgetting(target, get(Main, ref))
  const holders = (metadata.managedFields ?? []).filter((entry) => holdsReplicas(entry.fieldsV1))
  const own = holders.find((entry) => entry.manager === FIELD_MANAGER && entry.subresource === "scale")
  const owner: ReplicasOwner = {
    resourceVersion: metadata.resourceVersion,
    uid: metadata.uid,
    managers: holders.flatMap((entry) => (entry.manager === undefined ? [] : [entry.manager])),
    ours: own !== undefined
  }
  return owner
})

const SpecFields = Schema.Struct({ "f:spec": Schema.Struct({ "f:replicas": Schema.Unknown }) })
const decodeSpecFields = Schema.decodeUnknownOption(SpecFields)
const holdsReplicas = (fields: unknown): boolean => Option.isSome(decodeSpecFields(fields))
