/** Everything the shared watches hold, findable by what a decision asks for. Plain state, changed by one watch event at a time. */
import type { PodState } from "#schemas/kubernetes/Pod"
import type { Target } from "#schemas/Policy"
import { type LabelPredicate, type Labels, matchesLabels } from "#operator/labelSelector"
import {
  type AutoscalerState,
  groupOf,
  type PdbState,
  type ReplicaSetState,
  type WorkloadState
} from "#operator/projections"
import type { Change } from "#operator/Watched"

/** How long a rollout may go on whose controller knows no deadline. */
const ROLLOUT_MILLIS = 600_000

export interface WorkloadChange {
  readonly target: Target
  readonly what: "Appeared" | "Deleted" | "Replicas" | "Labels"
  /** Those of before and those of now: it may have left one policy and come to another. */
  readonly labels: ReadonlyArray<Labels>
}

class Groups<A> {
  readonly #groups = new Map<string, Map<string, A>>()

  put({ after, before, key }: Change<A>, groupOfOne: (value: A) => string | undefined): void {
    const old = before === undefined ? undefined : groupOfOne(before)
    const now = after === undefined ? undefined : groupOfOne(after)
    if (old !== undefined && old !== now) {
      const group = this.#groups.get(old)
      group?.delete(key)
      if (group?.size === 0) this.#groups.delete(old)
    }
    if (now === undefined || after === undefined) return
    const group = this.#groups.get(now) ?? new Map<string, A>()
    group.set(key, after)
    this.#groups.set(now, group)
  }

  get(name: string): Iterable<A> {
    return this.#groups.get(name)?.values() ?? []
  }
}

export class WorkloadIndex {
  readonly #nowMillis: () => number
  readonly #tell: (change: WorkloadChange) => void
  readonly #workloads = new Map<string, WorkloadState>()
  readonly #workloadsByNamespace = new Groups<WorkloadState>()
  readonly #rollingSince = new Map<string, number>()
  readonly #setsByOwner = new Groups<ReplicaSetState>()
  readonly #podsByOwner = new Groups<PodState>()
  readonly #podsByNamespace = new Groups<PodState>()
  readonly #pdbs = new Groups<PdbState>()
  readonly #autoscalers = new Groups<AutoscalerState>()

  constructor(nowMillis: () => number, tell: (change: WorkloadChange) => void) {
    this.#nowMillis = nowMillis
    this.#tell = tell
  }

  readonly putWorkload = (change: Change<WorkloadState>): void => {
    const { after, before } = change
    const one = after ?? before
    if (one === undefined) return
    const key = workloadKey(one.kind, one.namespace, one.name)
    if (after === undefined) this.#workloads.delete(key)
    else this.#workloads.set(key, after)
    this.#workloadsByNamespace.put({ ...change, key }, (value) => value.namespace)
    if (after?.rolling !== true) this.#rollingSince.delete(key)
    else if (before?.rolling !== true) this.#rollingSince.set(key, this.#nowMillis())
    const what = difference(before, after)
    const labels = [before, after].flatMap((state) => (state === undefined ? [] : [state.labels]))
    if (what !== undefined) this.#tell({ target: targetOf(one), what, labels })
  }
  readonly putReplicaSet = (change: Change<ReplicaSetState>): void =>
    this.#setsByOwner.put(change, (set) => set.ownerUid)
  readonly putPod = (change: Change<PodState>): void => {
    this.#podsByOwner.put(change, (pod) => pod.ownerUid)
    this.#podsByNamespace.put(change, (pod) => pod.namespace)
  }
  readonly putPdb = (change: Change<PdbState>): void => this.#pdbs.put(change, (pdb) => pdb.namespace)
  readonly putAutoscaler = ({ after, before, key }: Change<AutoscalerState>): void => {
    const kind = (after ?? before)?.kind ?? ""
    this.#autoscalers.put({ after, before, key: `${kind}/${key}` }, scaledKey)
  }

  workload(target: Target): WorkloadState | undefined {
    return this.#workloads.get(workloadKey(target.kind, target.namespace, target.name))
  }

  /** Deployments that carry all of the labels, in the order of their names. */
  matching(namespace: string, labels: Labels): ReadonlyArray<Target> {
    const matches = matchesLabels(labels)
    return [...this.#workloadsByNamespace.get(namespace)]
      .filter((one) => one.kind === "Deployment" && matches(one.labels))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(targetOf)
  }

  /** By owner, so that another workload with the same labels lends nobody its pods. */
  podsOf(workload: WorkloadState): ReadonlyArray<PodState> {
    if (workload.kind === "StatefulSet") return [...this.#podsByOwner.get(workload.uid)]
    return [...this.#setsByOwner.get(workload.uid)].flatMap((set) => [...this.#podsByOwner.get(set.uid)])
  }

  podsMatching(namespace: string, matches: LabelPredicate): ReadonlyArray<PodState> {
    return [...this.#podsByNamespace.get(namespace)].filter((pod) => matches(pod.labels))
  }

  rollingOut(workload: WorkloadState): boolean {
    if (!workload.rolling || workload.deadlineExceeded) return false
    if (workload.kind === "Deployment") return true
    const since = this.#rollingSince.get(workloadKey(workload.kind, workload.namespace, workload.name))
    return since === undefined || this.#nowMillis() - since < ROLLOUT_MILLIS
  }

  disruptionFloor(namespace: string, pods: ReadonlyArray<PodState>): number | undefined {
    const floors = [...this.#pdbs.get(namespace)].flatMap(({ minAvailable, selects }) =>
      minAvailable !== undefined && pods.some((pod) => selects(pod.labels)) ? [minAvailable] : []
    )
    return floors.length === 0 ? undefined : Math.max(...floors)
  }

  /** Whoever else scales the target; the HPA that the policy itself steers does not count. */
  autoscaler(target: Target, steeredHpa: string | undefined): AutoscalerState | undefined {
    const group = groupOf(target.apiVersion)
    return [...this.#autoscalers.get(`${group}/${target.kind}/${target.namespace}/${target.name}`)].find(
      (one) => one.kind !== "HorizontalPodAutoscaler" || one.name !== steeredHpa
    )
  }
}

const workloadKey = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`
const scaledKey = ({ namespace, target }: AutoscalerState) =>
  `${target.group}/${target.kind}/${namespace}/${target.name}`
const targetOf = ({ kind, name, namespace }: WorkloadState): Target => ({
  apiVersion: "apps/v1",
  kind,
  namespace,
  name
})

const difference = (
  before: WorkloadState | undefined,
  after: WorkloadState | undefined
): WorkloadChange["what"] | undefined => {
  if (after === undefined) return "Deleted"
  // Deleted and made again between two looks is another object of the same name.
  if (before === undefined || before.uid !== after.uid) return "Appeared"
  if (before.specReplicas !== after.specReplicas) return "Replicas"
  return sameLabels(before.labels, after.labels) ? undefined : "Labels"
}

const sameLabels = (a: Labels, b: Labels) =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value)
