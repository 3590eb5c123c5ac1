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
import * as Result from "effect/Result"
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
  const unlisted = (watched: Watched<unknown>, what: string): KubernetesError | undefined =>
    watched.isSynced()
      ? undefined
      : (watched.troubles()[0] ??
        new KubernetesError({ request: what, reason: { _tag: "Unreachable" }, detail: "not yet listed" }))
  const watchedKind = (target: Target): Watched<WorkloadState> | undefined =>
    target.apiVersion !== "apps/v1"
      ? undefined
      : target.kind === "Deployment"
        ? deployments
        : target.kind === "StatefulSet"
          ? statefulSets
          : undefined
  const covers = (namespace: string) => options.namespaces === undefined || options.namespaces.includes(namespace)

  const podsUnlisted = (namespace: string): KubernetesError | undefined =>
    covers(namespace)
      ? unlisted(pods, "LIST Pod")
      : new KubernetesError({
          request: `LIST Pod in ${namespace}`,
          reason: { _tag: "Forbidden" },
          detail: `Pods of ${namespace} are not watched: add the namespace to WATCH_NAMESPACE.`
        })

  const ownPods = (workload: WorkloadState): Result.Result<ReadonlyArray<PodState>, KubernetesError> => {
    const trouble =
      podsUnlisted(workload.namespace) ??
      (workload.kind === "Deployment" ? unlisted(replicaSets, "LIST ReplicaSet") : undefined)
    return trouble === undefined ? Result.succeed(index.podsOf(workload)) : Result.fail(trouble)
  }

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

  const stateOf = (target: Target, workload: WorkloadState, given: StateOptions): TargetState => ({
    specReplicas: workload.specReplicas,
    statusReplicas: workload.statusReplicas,
    readyReplicas: workload.readyReplicas,
    resourceVersion: workload.resourceVersion,
    rollingOut: index.rollingOut(workload),
    // Without its pods a target can still be scaled; what speaks for it is in `troubles`.
    ...surroundings(
      target,
      Result.getOrElse(ownPods(workload), () => NO_PODS),
      given
    )
  })

  /** From the watch, which every tick asks and which answers at once; undefined where no watch of ours looks. */
  const heard = (target: Target): Result.Result<WorkloadState | undefined, KubernetesError> | undefined => {
    const watched = covers(target.namespace) ? watchedKind(target) : undefined
    if (watched === undefined) return undefined
    const trouble = unlisted(watched, `LIST ${target.kind}`)
    return trouble === undefined ? Result.succeed(index.workload(target)) : Result.fail(trouble)
  }

  /** From the API server. */
  const askedWorkload = Effect.fnUntraced(function* (target: Target) {
    const ref = yield* targetRef(target)
    const found = yield* target.kind === "Deployment" ? find(Deployment, ref) : find(StatefulSet, ref)
    const project = target.kind === "Deployment" ? projectDeployment : projectStatefulSet
    return Option.getOrUndefined(Option.map(found, project))
  })
  const scaleOf = Effect.fnUntraced(function* (target: Target) {
    const ref = yield* targetRef(target)
    return yield* find(Scale, ref, "scale")
  })
  const selectedPods = (target: Target, scale: Scale): Result.Result<ReadonlyArray<PodState>, KubernetesError> => {
    const trouble = podsUnlisted(target.namespace)
    if (trouble !== undefined) return Result.fail(trouble)
    return Result.succeed(index.podsMatching(target.namespace, matchesText(scale.status?.selector ?? "")))
  }

  const askedState = Effect.fnUntraced(function* (target: Target, given: StateOptions) {
    if (watchedKind(target) !== undefined) {
      const workload = yield* askedWorkload(target)
      return workload === undefined ? Option.none() : Option.some(stateOf(target, workload, given))
    }
    const scale = yield* scaleOf(target)
    return Option.map(scale, (found): TargetState => {
      const own = Result.getOrElse(selectedPods(target, found), () => NO_PODS)
      return {
        specReplicas: replicasOf(found),
        statusReplicas: found.status?.replicas ?? 0,
        readyReplicas: own.filter((pod) => pod.ready === true && !pod.deleting).length,
        resourceVersion: found.metadata.resourceVersion,
        rollingOut: false,
        ...surroundings(target, own, given)
      }
    })
  })
  const askedPods = Effect.fnUntraced(function* (target: Target) {
    if (watchedKind(target) !== undefined) {
      const workload = yield* askedWorkload(target)
      return workload === undefined ? NO_PODS : yield* Effect.fromResult(ownPods(workload))
    }
    const scale = yield* scaleOf(target)
    return Option.isNone(scale) ? NO_PODS : yield* Effect.fromResult(selectedPods(target, scale.value))
  })

  return {
    state: (target: Target, given: StateOptions = {}) =>
      Effect.suspend(() => {
        const workload = heard(target)
        if (workload === undefined) return Effect.provideContext(askedState(target, given), context)
        const state = (found: WorkloadState | undefined) =>
          found === undefined ? Option.none<TargetState>() : Option.some(stateOf(target, found, given))
        return Effect.fromResult(Result.map(workload, state))
      }),
    pods: (target: Target) =>
      Effect.suspend(() => {
        const workload = heard(target)
        if (workload === undefined) return Effect.provideContext(askedPods(target), context)
        return Effect.fromResult(
          Result.flatMap(workload, (found) => (found === undefined ? Result.succeed(NO_PODS) : ownPods(found)))
        )
      }),
    matching: (namespace: string, labels: Labels) =>
      Effect.suspend(() => {
        const trouble = unlisted(deployments, "LIST Deployment")
        return trouble === undefined ? Effect.succeed(index.matching(namespace, labels)) : Effect.fail(trouble)
      }),
    changes: Stream.fromPubSub(told),
    synced: Effect.forEach(all, (watched) => watched.settled, { discard: true }),
    refresh: Effect.forEach([deployments, statefulSets], (watched) => watched.refresh, {
      concurrency: "unbounded",
      discard: true
    }),
    troubles: Effect.sync(() => all.flatMap((watched) => watched.troubles()))
  }
})

const NO_PODS: ReadonlyArray<PodState> = []

const conflictWith = (rival: AutoscalerState, target: Target) => {
  const remedy =
    rival.kind === "HorizontalPodAutoscaler"
      ? `delete it, or let this policy steer it with actuation {type: HPAFloor, name: ${rival.name}}`
      : "delete it, or delete this policy"
  const message = `The ${rival.kind} ${rival.name} scales ${target.kind}/${target.name} as well, so nothing is written: ${remedy}.`
  return { reason: "OtherAutoscaler" as const, message }
}
