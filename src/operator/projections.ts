/** What the shared watches keep of each object: only what decisions use. Pure; undefined is an object of no use. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Hpa, ScaledObject, type ScaleTargetRef } from "#schemas/kubernetes/Hpa"
import type { LabelSelector, Meta } from "#schemas/kubernetes/Meta"
import { Pdb } from "#schemas/kubernetes/Pdb"
import { Pod, type PodState } from "#schemas/kubernetes/Pod"
import { Deployment, ReplicaSet, StatefulSet } from "#schemas/kubernetes/Workload"
import { parseTime } from "#services/kubernetesTime"
import { parseQuantityMilli } from "#domain/quantity"
import { type LabelPredicate, type Labels, matchesSelector } from "#operator/labelSelector"

export interface WorkloadState {
  readonly kind: "Deployment" | "StatefulSet"
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly labels: Labels
  readonly specReplicas: number
  readonly statusReplicas: number
  readonly readyReplicas: number
  /** A rollout is under way, deadlines apart. */
  readonly rolling: boolean
  /** The controller itself has given the rollout up. */
  readonly deadlineExceeded: boolean
}

const reading = <S extends Schema.ConstraintDecoder<unknown>, A>(schema: S, project: (value: S["Type"]) => A) => {
  const decode = Schema.decodeUnknownOption(schema)
  return (object: unknown): A | undefined => Option.getOrUndefined(Option.map(decode(object), project))
}

const ownerOf = (meta: Meta): string | undefined =>
  meta.ownerReferences?.find((owner) => owner.controller === true)?.uid

const workload = (kind: WorkloadState["kind"], meta: Meta) => ({
  kind,
  namespace: meta.namespace ?? "",
  name: meta.name,
  uid: meta.uid,
  resourceVersion: meta.resourceVersion,
  labels: meta.labels ?? {}
})

const lags = (meta: Meta, observedGeneration: number | undefined) => (meta.generation ?? 0) > (observedGeneration ?? 0)

export const projectDeployment = reading(Deployment, ({ metadata, spec, status = {} }): WorkloadState => {
  const wanted = spec.replicas ?? 1
  const replicas = status.replicas ?? 0
  const updated = status.updatedReplicas ?? 0
  const progressing = (status.conditions ?? []).find((condition) => condition.type === "Progressing")
  return {
    ...workload("Deployment", metadata),
    specReplicas: wanted,
    statusReplicas: replicas,
    readyReplicas: status.readyReplicas ?? 0,
    rolling:
      spec.paused !== true && (lags(metadata, status.observedGeneration) || updated < wanted || replicas > updated),
    deadlineExceeded: progressing?.status === "False" && progressing.reason === "ProgressDeadlineExceeded"
  }
})

export const projectStatefulSet = reading(StatefulSet, ({ metadata, spec, status = {} }): WorkloadState => {
  const wanted = spec.replicas ?? 1
  const { rollingUpdate, type } = spec.updateStrategy ?? {}
  const pending = status.updateRevision !== undefined && status.updateRevision !== status.currentRevision
  const due = wanted - (rollingUpdate?.partition ?? 0)
  const updating = type !== "OnDelete" && pending && (status.updatedReplicas ?? 0) < due
  return {
    ...workload("StatefulSet", metadata),
    specReplicas: wanted,
    statusReplicas: status.replicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    rolling: lags(metadata, status.observedGeneration) || updating,
    deadlineExceeded: false
  }
})

export interface ReplicaSetState {
  readonly uid: string
  readonly ownerUid: string | undefined
}

export const projectReplicaSet = reading(ReplicaSet, ({ metadata }): ReplicaSetState => ({
  uid: metadata.uid,
  ownerUid: ownerOf(metadata)
}))

export interface PdbState {
  readonly namespace: string
  readonly name: string
  /** A number of pods; of a percentage there is no floor to speak of. */
  readonly minAvailable: number | undefined
  readonly selects: LabelPredicate
}

const wholePods = (value: number | string | undefined): number | undefined =>
  typeof value === "number" ? value : /^\d+$/u.test(value ?? "") ? Number(value) : undefined

export const projectPdb = reading(Pdb, ({ metadata, spec }): PdbState => {
  const selector: LabelSelector | null | undefined = spec.selector
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    minAvailable: wholePods(spec.minAvailable),
    selects: matchesSelector(selector)
  }
})

export interface AutoscalerState {
  readonly kind: "HorizontalPodAutoscaler" | "ScaledObject"
  readonly namespace: string
  readonly name: string
  readonly target: { readonly group: string; readonly kind: string; readonly name: string }
  /** The ScaledObject that made this HPA, if one did. */
  readonly ownerUid: string | undefined
}

export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : ""

const autoscaler = (kind: AutoscalerState["kind"], metadata: Meta, ref: ScaleTargetRef): AutoscalerState => ({
  kind,
  namespace: metadata.namespace ?? "",
  name: metadata.name,
  target: { group: groupOf(ref.apiVersion ?? "apps/v1"), kind: ref.kind ?? "Deployment", name: ref.name },
  ownerUid: ownerOf(metadata)
})

export const projectHpa = reading(Hpa, ({ metadata, spec }) =>
  autoscaler("HorizontalPodAutoscaler", metadata, spec.scaleTargetRef)
)
export const projectScaledObject = reading(ScaledObject, ({ metadata, spec }) =>
  autoscaler("ScaledObject", metadata, spec.scaleTargetRef)
)

/** Reasons for which a container does not get to run, again and again. */
const NOT_STARTING: ReadonlySet<string> = new Set([
  "CrashLoopBackOff",
  "ImagePullBackOff",
  "ErrImagePull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError"
])
/** Between two back-offs a crashing container looks like one that is starting; by now it is not. */
const CRASHES = 3

export const projectPod = reading(Pod, ({ metadata, spec, status = {} }): PodState => {
  const conditions = status.conditions ?? []
  const ready = conditions.find((condition) => condition.type === "Ready")
  const scheduled = conditions.find((condition) => condition.type === "PodScheduled")
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const sidecars = (spec.initContainers ?? []).filter((one) => one.restartPolicy === "Always")
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    uid: metadata.uid,
    ...optional("ownerUid", ownerOf(metadata)),
    labels: metadata.labels ?? {},
    phase: status.phase ?? "Unknown",
    deleting: metadata.deletionTimestamp !== undefined,
    ...(ready === undefined ? {} : { ready: ready.status === "True" }),
    ...optional("readyChangedAt", parseTime(ready?.lastTransitionTime)),
    createdAt: parseTime(metadata.creationTimestamp) ?? 0,
    ...optional("startedAt", parseTime(status.startTime)),
    requests: Object.fromEntries(
      [...sidecars, ...(spec.containers ?? [])].map((container) => {
        const requests = container.resources?.requests ?? {}
        return [container.name, { ...quantity("cpu", requests["cpu"]), ...quantity("memory", requests["memory"]) }]
      })
    ),
    unschedulable: scheduled?.status === "False" && scheduled.reason === "Unschedulable",
    crashLooping: containers.some(
      (one) =>
        NOT_STARTING.has(one.state?.waiting?.reason ?? "") || (one.ready !== true && (one.restartCount ?? 0) >= CRASHES)
    )
  }
})

const optional = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: A }

const quantity = (key: "cpu" | "memory", value: string | number | undefined) =>
  optional(key, value === undefined ? undefined : parseQuantityMilli(String(value)))

/**
 * Since when the newest pods fail to start. A pod that is broken while younger ones became ready says nothing about
 * new ones, so only those count that no younger ready pod has proven wrong.
 */
export const failingSince = (pods: ReadonlyArray<PodState>): number | undefined => {
  const alive = pods.filter((pod) => !pod.deleting)
  const newestReady = Math.max(...alive.filter((pod) => pod.ready === true).map((pod) => pod.createdAt), 0)
  const failing = alive.filter(
    (pod) => pod.ready !== true && (pod.unschedulable || pod.crashLooping) && pod.createdAt >= newestReady
  )
  return failing.length === 0 ? undefined : Math.min(...failing.map((pod) => pod.createdAt))
}
