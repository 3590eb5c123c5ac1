/** Pods with names: one after the other, or all at once, and replaced from the last to the first. */
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, objectAt, textAt, valueAt } from "#cluster/api/json"
import type { Hands } from "#cluster/controllers/Hands"
import { at, hashOf, keyOfObject, setStatus, uidOf } from "#cluster/controllers/Hands"
import { type Inventory, isActive, isAvailable, type PodView } from "#cluster/controllers/Inventory"
import { createPod } from "#cluster/controllers/pods"
import { type Counter, positive, remind } from "#cluster/controllers/replicaSet"

export const STATEFUL_SETS = "statefulsets.apps"
const MANAGER = "statefulset-controller"
const REVISION = "controller-revision-hash"

/** The templates that a revision's name stands for; a real cluster keeps them as objects of their own. */
export type Templates = Map<string, JsonObject>

interface Set {
  readonly hands: Hands
  readonly inventory: Inventory
  readonly counter: Counter
  readonly object: JsonObject
  readonly templates: Templates
  readonly pods: ReadonlyArray<PodView>
  readonly replicas: number
  readonly start: number
  readonly minReadySeconds: number
  readonly isOrdered: boolean
  readonly current: string
  readonly update: string
}

export const lookAtStatefulSet = (
  hands: Hands,
  inventory: Inventory,
  counter: Counter,
  templates: Templates,
  key: string
): void => {
  const object = at(hands, STATEFUL_SETS, key)
  if (object === undefined) return
  const template = objectAt(objectAt(object, "spec"), "template")
  const update = `${nameOf(object)}-${hashOf(JSON.stringify(template))}`
  templates.set(update, template)
  const read = (): Set => ({
    ...{ hands, inventory, counter, object, templates, update },
    pods: inventory.podsOf(uidOf(object)),
    replicas: Number(valueAt(object, "spec.replicas") ?? 1),
    start: Number(valueAt(object, "spec.ordinals.start") ?? 0),
    minReadySeconds: Number(valueAt(object, "spec.minReadySeconds") ?? 0),
    isOrdered: valueAt(object, "spec.podManagementPolicy") !== "Parallel",
    current: textAt(objectAt(object, "status"), "currentRevision") || update
  })
  if (metadataOf(object)["deletionTimestamp"] === undefined) move(read())
  report(read())
}

const ordinalOf = (set: Set, pod: PodView): number => Number(nameOf(pod.object).slice(nameOf(set.object).length + 1))
const revisionOf = (pod: PodView): string => textAt(objectAt(metadataOf(pod.object), "labels"), REVISION)
const isHealthy = (set: Set, pod: PodView): boolean =>
  pod.phase === "Running" && isAvailable(pod, set.minReadySeconds, set.hands.now())

const remove = ({ hands }: Set, { object }: PodView): void =>
  hands.server.remove("Pod", namespaceOf(object), nameOf(object), MANAGER)

/** Takes every step that may be taken now; a pod's next change comes back here. */
const move = (set: Set): void => {
  const { isOrdered, replicas, start } = set
  const byOrdinal = new Map(set.pods.map((pod) => [ordinalOf(set, pod), pod]))
  for (let ordinal = start; ordinal < start + replicas; ordinal++) {
    const pod = byOrdinal.get(ordinal)
    if (pod !== undefined && !isActive(pod) && !pod.deleting) remove(set, pod)
    if (pod === undefined || !isActive(pod)) create(set, ordinal)
    else if (isHealthy(set, pod)) continue
    if (isOrdered) return
  }
  const surplus = [...byOrdinal].filter(([ordinal]) => !(ordinal >= start && ordinal < start + replicas))
  for (const [, pod] of surplus.sort(([one], [two]) => two - one)) {
    remove(set, pod)
    if (isOrdered) return
  }
  replaceOld(set, byOrdinal)
}

/** The first ordinal that gets the newest template. */
const partitionOf = ({ object }: Set): number =>
  Number(valueAt(object, "spec.updateStrategy.rollingUpdate.partition") ?? 0)

const isOnDelete = ({ object }: Set): boolean => valueAt(object, "spec.updateStrategy.type") === "OnDelete"

const replaceOld = (set: Set, byOrdinal: ReadonlyMap<number, PodView>): void => {
  if (isOnDelete(set)) return
  for (let ordinal = set.start + set.replicas - 1; ordinal >= set.start + partitionOf(set); ordinal--) {
    const pod = byOrdinal.get(ordinal)
    if (pod === undefined) return
    if (revisionOf(pod) !== set.update) return remove(set, pod)
    if (!isHealthy(set, pod)) return
  }
}

const create = (set: Set, ordinal: number): void => {
  const { counter, current, hands, object, start, templates, update } = set
  const isOld = !isOnDelete(set) && ordinal < start + partitionOf(set)
  const revision = isOld && templates.has(current) ? current : update
  const name = `${nameOf(object)}-${ordinal}`
  if (hands.server.find("Pod", namespaceOf(object), name) !== undefined) return
  createPod(hands, {
    owner: object,
    template: templates.get(revision) ?? {},
    name,
    labels: {
      "apps.kubernetes.io/pod-index": String(ordinal),
      "statefulset.kubernetes.io/pod-name": name,
      [REVISION]: revision
    },
    spec: { hostname: name, subdomain: valueAt(object, "spec.serviceName") ?? "" },
    count: counter.next(),
    manager: MANAGER
  })
  hands.emit(
    object,
    "Normal",
    "SuccessfulCreate",
    `create Pod ${name} in StatefulSet ${nameOf(object)} successful`,
    MANAGER
  )
}

const report = (set: Set): void => {
  const { current, hands, minReadySeconds, object, pods, templates, update } = set
  const active = pods.filter(isActive)
  const ready = active.filter((pod) => pod.phase === "Running" && pod.ready)
  const available = ready.filter((pod) => isHealthy(set, pod))
  remind(hands, "statefulSet", keyOfObject(object), minReadySeconds, ready)
  const updated = active.filter((pod) => revisionOf(pod) === update)
  const isDone = updated.length === active.length && ready.length === set.replicas && active.length === set.replicas
  const now = isDone ? update : current
  const counts = {
    readyReplicas: ready.length,
    currentReplicas: active.filter((pod) => revisionOf(pod) === now).length,
    updatedReplicas: updated.length
  }
  const status = {
    observedGeneration: metadataOf(object)["generation"] ?? 1,
    replicas: active.length,
    ...positive(counts),
    availableReplicas: available.length,
    currentRevision: now,
    updateRevision: update,
    collisionCount: 0
  }
  setStatus(hands, STATEFUL_SETS, object, status, MANAGER)
  for (const revision of templates.keys()) if (revision !== now && revision !== update) templates.delete(revision)
}
