/** As many pods as a ReplicaSet asks for, and what it says about them. */
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, objectAt, valueAt } from "#cluster/api/json"
import type { Hands } from "#cluster/controllers/Hands"
import { at, keyOfObject, setStatus, suffixOf, uidOf } from "#cluster/controllers/Hands"
import { type Inventory, isActive, isAvailable, type PodView } from "#cluster/controllers/Inventory"
import { byExpendability, createPod } from "#cluster/controllers/pods"

export const REPLICA_SETS = "replicasets.apps"
const MANAGER = "replicaset-controller"

export interface Counter {
  /** Every number once. */
  readonly next: () => number
}

export const lookAtReplicaSet = (hands: Hands, inventory: Inventory, counter: Counter, key: string): void => {
  const set = at(hands, REPLICA_SETS, key)
  if (set === undefined) return
  if (metadataOf(set)["deletionTimestamp"] === undefined) keepCount(hands, inventory, counter, set)
  report(hands, inventory, set)
}

const keepCount = (hands: Hands, inventory: Inventory, counter: Counter, set: JsonObject): void => {
  const wanted = Number(valueAt(set, "spec.replicas") ?? 1)
  const active = inventory.podsOf(uidOf(set)).filter(isActive)
  for (let missing = wanted - active.length; missing > 0; missing--) {
    const count = counter.next()
    const name = `${nameOf(set)}-${suffixOf(count)}`
    const template = objectAt(objectAt(set, "spec"), "template")
    createPod(hands, { owner: set, template, name, count, manager: MANAGER })
  }
  if (active.length <= wanted) return
  for (const { object } of byExpendability(active).slice(0, active.length - wanted)) {
    hands.server.remove("Pod", namespaceOf(object), nameOf(object), MANAGER)
  }
}

const report = (hands: Hands, inventory: Inventory, set: JsonObject): void => {
  const minReadySeconds = Number(valueAt(set, "spec.minReadySeconds") ?? 0)
  const now = hands.now()
  const active = inventory.podsOf(uidOf(set)).filter(isActive)
  const ready = active.filter((pod) => pod.ready)
  const available = ready.filter((pod) => isAvailable(pod, minReadySeconds, now))
  remind(hands, "replicaSet", keyOfObject(set), minReadySeconds, ready)
  const counts = { readyReplicas: ready.length, availableReplicas: available.length }
  setStatus(
    hands,
    REPLICA_SETS,
    set,
    {
      observedGeneration: metadataOf(set)["generation"] ?? 1,
      replicas: active.length,
      ...(active.length === 0 ? {} : { fullyLabeledReplicas: active.length }),
      ...positive(counts),
      terminatingReplicas: inventory.podsOf(uidOf(set)).filter((pod) => pod.deleting).length
    },
    MANAGER
  )
}

/** A count of nothing is left out, as a real server leaves it out. */
export const positive = (counts: Readonly<Record<string, number>>): JsonObject =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

/** Looks again when the next pod will have been ready for long enough. */
export const remind = (
  { agenda, now }: Hands,
  stage: string,
  key: string,
  minReadySeconds: number,
  ready: ReadonlyArray<PodView>
): void => {
  if (minReadySeconds === 0) return
  const due = ready.map(({ readySinceMillis }) => readySinceMillis + minReadySeconds * 1000)
  const next = Math.min(...due.filter((millis) => millis > now()))
  if (next < Infinity) agenda.markAt(next, stage, key)
}
