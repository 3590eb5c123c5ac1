/**
 * The cluster as decisions see it: replicas, pods, rollouts, disruption budgets and other autoscalers, from watches
 * that all policies share. Kinds other than Deployment and StatefulSet are asked through their /scale each time.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { PodState } from "#schemas/kubernetes/Pod"
import { Scale } from "#schemas/kubernetes/Scale"
import { Deployment, StatefulSet } from "#schemas/kubernetes/Workload"
import type { TargetState } from "#schemas/Observation"
import type { Target } from "#schemas/Policy"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { type Collection, find } from "#services/kubernetesCalls"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { replicasOf, targetRef } from "#services/kubernetesScale"
import { type Labels, matchesText } from "#operator/labelSelector"
import {
  type AutoscalerState,
  failingSince,
  projectDeployment,
  projectHpa,
  projectPdb,
  projectPod,
  projectReplicaSet,
  projectScaledObject,
  projectStatefulSet,
  type WorkloadState
} from "#operator/projections"
import { makeWatched, type Watched, type WatchedOptions } from "#operator/Watched"
import { type WorkloadChange, WorkloadIndex } from "#operator/WorkloadIndex"

export type { WorkloadChange } from "#operator/WorkloadIndex"

export interface StateOptions {
  /** The HPA whose floor the policy sets: it is no rival. */
  readonly steeredHpa?: string | undefined
}

export interface WorkloadsOptions {
  /** Undefined: all of them. */
  readonly namespaces?: ReadonlyArray<string> | undefined
}

export class Workloads extends Context.Service<
  Workloads,
  {
    /** None: there is no such object. `resourceVersion` is the target's own, a precondition for scaling it. */
    readonly state: (
      target: Target,
      options?: StateOptions
    ) => Effect.Effect<Option.Option<TargetState>, KubernetesError>
    /** The target's pods, those being deleted included. */
    readonly pods: (target: Target) => Effect.Effect<ReadonlyArray<PodState>, KubernetesError>
    /** Deployments of the namespace that carry all of the labels, in the order of their names. */
    readonly matching: (namespace: string, labels: Labels) => Effect.Effect<ReadonlyArray<Target>, KubernetesError>
    /** Deployments and StatefulSets that appeared, went, were scaled by anybody, or changed their labels. */
    readonly changes: Stream.Stream<WorkloadChange>
    /** Everything that may be read has been listed once. */
    readonly synced: Effect.Effect<void>
    /** What was heard before may be old: the workloads are listed anew. */
    readonly refresh: Effect.Effect<void>
    /** What some watch lacks at this moment, e.g. a permission; empty when all is well. */
    readonly troubles: Effect.Effect<ReadonlyArray<KubernetesError>>
  }
>()("nimbusguard/operator/Workloads") {
  static readonly layer = (
    options: WorkloadsOptions = {}
  ): Layer.Layer<Workloads, never, Kubernetes | KubernetesDiscovery> => Layer.effect(Workloads, makeWorkloads(options))
}

const CHANGES_HELD = 1024

const makeWorkloads = Effect.fnUntraced(function* (options: WorkloadsOptions) {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<Kubernetes | KubernetesDiscovery>()
  const told = yield* PubSub.sliding<WorkloadChange>(CHANGES_HELD)
  const index = new WorkloadIndex(
    () => clock.currentTimeMillisUnsafe(),
    (change) => void PubSub.publishUnsafe(told, change)
  )
  const inNamespaces = (apiVersion: string, plural: string): ReadonlyArray<Collection> =>
    options.namespaces === undefined
      ? [{ apiVersion, plural }]
      : options.namespaces.map((namespace) => ({ apiVersion, plural, namespace }))
  const watching = <A>(apiVersion: string, plural: string, rest: Omit<WatchedOptions<A>, "collections">) =>
    makeWatched({ ...rest, collections: inNamespaces(apiVersion, plural) })

  const deployments = yield* watching("apps/v1", "deployments", {
    project: projectDeployment,
    onChange: index.putWorkload
  })
  const statefulSets = yield* watching("apps/v1", "statefulsets", {
    project: projectStatefulSet,
    onChange: index.putWorkload
  })
  const replicaSets = yield* watching("apps/v1", "replicasets", {
    project: projectReplicaSet,
    onChange: index.putReplicaSet
  })
  const pods = yield* watching("v1", "pods", { project: projectPod, onChange: index.putPod })
  const pdbs = yield* watching("policy/v1", "poddisruptionbudgets", { project: projectPdb, onChange: index.putPdb })
  const hpas = yield* watching("autoscaling/v2", "horizontalpodautoscalers", {
    project: projectHpa,
    onChange: index.putAutoscaler
  })
  const scaledObjects = yield* watching("keda.sh/v1alpha1", "scaledobjects", {
    project: projectScaledObject,
    onChange: index.putAutoscaler,
    optional: true
  })
  const all: ReadonlyArray<Watched<unknown>> = [deployments, statefulSets, replicaSets, pods, pdbs, hpas, scaledObjects]

  /** What has not been listed is not absent: says why it cannot be told. */
  const listed = (watched: Watched<unknown>, what: string): Effect.Effect<void, KubernetesError> =>
    watched.isSynced()
      ? Effect.void
      : Effect.fail(
          watched.troubles()[0] ??
            new KubernetesError({ request: what, reason: { _tag: "Unreachable" }, detail: "not yet listed" })
        )
  const watchedKind = (target: Target): Watched<WorkloadState> | undefined =>
    target.apiVersion !== "apps/v1"
      ? undefined
      : target.kind === "Deployment"
        ? deployments
        : target.kind === "StatefulSet"
          ? statefulSets
          : undefined
  const covers = (namespace: string) => options.namespaces === undefined || options.namespaces.includes(namespace)

  /** From the watch, or from the API server where no watch of ours looks. */
  const workloadOf = Effect.fnUntraced(function* (target: Target, watched: Watched<WorkloadState>) {
    if (covers(target.namespace)) {
      yield* listed(watched, `LIST ${target.kind}`)
      return index.workload(target)
    }
    const ref = yield* targetRef(target)
    const found = yield* target.kind === "Deployment" ? find(Deployment, ref) : find(StatefulSet, ref)
    const project = target.kind === "Deployment" ? projectDeployment : projectStatefulSet
    return Option.getOrUndefined(Option.map(found, project))
  })

  const ownPods = (workload: WorkloadState) =>
    Effect.gen(function* () {
      yield* coversPods(workload.namespace)
      if (workload.kind === "Deployment") yield* listed(replicaSets, "LIST ReplicaSet")
      return index.podsOf(workload)
    })
  const coversPods = (namespace: string): Effect.Effect<void, KubernetesError> =>
    covers(namespace)
      ? listed(pods, "LIST Pod")
      : Effect.fail(
          new KubernetesError({
            request: `LIST Pod in ${namespace}`,
            reason: { _tag: "Forbidden" },
            detail: `Pods of ${namespace} are not watched: add the namespace to WATCH_NAMESPACE.`
          })
        )

  /** What the pods and the neighbours add to any kind of target. */
  const surroundings = (target: Target, own: ReadonlyArray<PodState>, { steeredHpa }: StateOptions) => {
    const disruptionFloor = index.disruptionFloor(target.namespace, own)
    const failingPodsSince = failingSince(own)
    const rival = index.autoscaler(target, steeredHpa)
    return {
      ...(disruptionFloor === undefined ? {} : { disruptionFloor }),
      ...(failingPodsSince === undefined ? {} : { failingPodsSince }),
      ...(rival === undefined ? {} : { conflict: conflictWith(rival, target) })
    }
  }

  const scaleOf = Effect.fnUntraced(function* (target: Target) {
    const ref = yield* targetRef(target)
    return yield* find(Scale, ref, "scale")
  })
  const selectedPods = Effect.fnUntraced(function* (target: Target, scale: Scale) {
    yield* coversPods(target.namespace)
    return index.podsMatching(target.namespace, matchesText(scale.status?.selector ?? ""))
  })

  const state = Effect.fnUntraced(function* (target: Target, given: StateOptions = {}) {
    const watched = watchedKind(target)
    if (watched !== undefined) {
      const workload = yield* workloadOf(target, watched)
      if (workload === undefined) return Option.none<TargetState>()
      // Without its pods a target can still be scaled; what speaks for it is in `troubles`.
      const own = yield* Effect.orElseSucceed(ownPods(workload), (): ReadonlyArray<PodState> => [])
      return Option.some<TargetState>({
        specReplicas: workload.specReplicas,
        statusReplicas: workload.statusReplicas,
        readyReplicas: workload.readyReplicas,
        resourceVersion: workload.resourceVersion,
        rollingOut: index.rollingOut(workload),
        ...surroundings(target, own, given)
      })
    }
    const scale = yield* scaleOf(target)
    if (Option.isNone(scale)) return Option.none<TargetState>()
    const own = yield* Effect.orElseSucceed(selectedPods(target, scale.value), (): ReadonlyArray<PodState> => [])
    return Option.some<TargetState>({
      specReplicas: replicasOf(scale.value),
      statusReplicas: scale.value.status?.replicas ?? 0,
      readyReplicas: own.filter((pod) => pod.ready === true && !pod.deleting).length,
      resourceVersion: scale.value.metadata.resourceVersion,
      rollingOut: false,
      ...surroundings(target, own, given)
    })
  })

  const podsOf = Effect.fnUntraced(function* (target: Target) {
    const watched = watchedKind(target)
    if (watched !== undefined) {
      const workload = yield* workloadOf(target, watched)
      return workload === undefined ? [] : yield* ownPods(workload)
    }
    const scale = yield* scaleOf(target)
    return Option.isNone(scale) ? [] : yield* selectedPods(target, scale.value)
  })

  return {
    state: (target: Target, given?: StateOptions) => Effect.provideContext(state(target, given), context),
    pods: (target: Target) => Effect.provideContext(podsOf(target), context),
    matching: (namespace: string, labels: Labels) =>
      Effect.map(listed(deployments, "LIST Deployment"), () => index.matching(namespace, labels)),
    changes: Stream.fromPubSub(told),
    synced: Effect.forEach(all, (watched) => watched.settled, { discard: true }),
    refresh: Effect.forEach([deployments, statefulSets], (watched) => watched.refresh, {
      concurrency: "unbounded",
      discard: true
    }),
    troubles: Effect.sync(() => all.flatMap((watched) => watched.troubles()))
  }
})

const conflictWith = (rival: AutoscalerState, target: Target) => {
  const remedy =
    rival.kind === "HorizontalPodAutoscaler"
      ? `delete it, or let this policy steer it with actuation {type: HPAFloor, name: ${rival.name}}`
      : "delete it, or delete this policy"
  const message = `The ${rival.kind} ${rival.name} scales ${target.kind}/${target.name} as well, so nothing is written: ${remedy}.`
  return { reason: "OtherAutoscaler" as const, message }
}
