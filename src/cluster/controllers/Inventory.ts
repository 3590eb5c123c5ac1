/**
 * Who owns whom, and the pods as controllers see them, kept from commit to commit: whoever asks for the pods of one
 * workload pays for those alone.
 */
import type { Commit } from "#cluster/api/Store"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, objectAt, textAt } from "#cluster/api/json"
import { controllerOf, keyOfObject, uidOf } from "#cluster/controllers/Hands"
import { parseTime } from "#services/kubernetesTime"

export interface PodView {
  readonly key: string
  readonly uid: string
  readonly object: JsonObject
  readonly owner: string | undefined
  readonly node: string
  readonly phase: string
  readonly ready: boolean
  /** Since when it is ready; 0 where it is not. */
  readonly readySinceMillis: number
  readonly createdMillis: number
  /** Creations within one second are told apart by their order. */
  readonly order: number
  readonly restarts: number
  readonly deletionCost: number
  readonly deleting: boolean
  readonly labels: Json | undefined
}

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

const viewOf = (object: JsonObject, order: number): PodView => {
  const metadata = metadataOf(object)
  const status = objectAt(object, "status")
  const condition = listAt(status, "conditions").find((one) => isObject(one) && one["type"] === "Ready")
  const isReady = isObject(condition) && condition["status"] === "True"
  const owner = controllerOf(object)
  return {
    key: keyOfObject(object),
    uid: uidOf(object),
    object,
    owner: owner === undefined ? undefined : textAt(owner, "uid"),
    node: textAt(objectAt(object, "spec"), "nodeName"),
    phase: textAt(status, "phase"),
    ready: isReady,
    readySinceMillis: isReady ? (parseTime(textAt(condition, "lastTransitionTime")) ?? 0) : 0,
    createdMillis: parseTime(textAt(metadata, "creationTimestamp")) ?? 0,
    order,
    restarts: listAt(status, "containerStatuses").reduce<number>(
      (sum, one) => sum + (isObject(one) ? Number(one["restartCount"] ?? 0) : 0),
      0
    ),
    deletionCost: Number(objectAt(metadata, "annotations")[DELETION_COST] ?? 0) || 0,
    deleting: metadata["deletionTimestamp"] !== undefined,
    labels: metadata["labels"]
  }
}

/** Counts as one of the replicas. */
export const isActive = ({ deleting, phase }: PodView): boolean =>
  !deleting && phase !== "Succeeded" && phase !== "Failed"

/** Ready for so long that it counts as available. */
export const isAvailable = (pod: PodView, minReadySeconds: number, nowMillis: number): boolean =>
  pod.ready && (minReadySeconds === 0 || pod.readySinceMillis + minReadySeconds * 1000 <= nowMillis)

const COUNTED = ["uid", "owner", "phase", "ready", "readySinceMillis", "deleting", "labels"] as const

export class Inventory {
  readonly #pods = new Map<string, PodView>()
  readonly #podsOf = new Map<string, Map<string, PodView>>()
  /** By the owner's uid: "resource namespace/name". */
  readonly #dependents = new Map<string, Set<string>>()
  #seen = 0

  /** Whether controllers would count differently now. */
  learn({ before, object, resource, type }: Commit): boolean {
    const key = keyOfObject(object)
    for (const owner of ownersIn(before)) this.#dependents.get(owner)?.delete(`${resource} ${key}`)
    if (type !== "DELETED") {
      for (const owner of ownersIn(object)) setIn(this.#dependents, owner).add(`${resource} ${key}`)
    }
    if (resource !== "pods") return true
    const old = this.#pods.get(key)
    if (old?.owner !== undefined) this.#podsOf.get(old.owner)?.delete(key)
    this.#pods.delete(key)
    if (type === "DELETED") return true
    const view = viewOf(object, old !== undefined && old.uid === uidOf(object) ? old.order : this.#seen++)
    this.#pods.set(key, view)
    if (view.owner !== undefined) {
      const siblings = this.#podsOf.get(view.owner) ?? new Map<string, PodView>()
      this.#podsOf.set(view.owner, siblings)
      siblings.set(key, view)
    }
    return old === undefined || COUNTED.some((field) => old[field] !== view[field]) || before === undefined
  }

  pod(key: string): PodView | undefined {
    return this.#pods.get(key)
  }

  get pods(): Iterable<PodView> {
    return this.#pods.values()
  }

  /** Of the controller with this uid itself, not of what it controls. */
  podsOf(ownerUid: string): ReadonlyArray<PodView> {
    return [...(this.#podsOf.get(ownerUid)?.values() ?? [])]
  }

  /** "resource namespace/name" of whatever names this owner. */
  dependentsOf(ownerUid: string): ReadonlyArray<string> {
    return [...(this.#dependents.get(ownerUid) ?? [])]
  }

  /** Nothing can name an owner again that is gone. */
  forget(ownerUid: string): void {
    if (this.#dependents.get(ownerUid)?.size === 0) this.#dependents.delete(ownerUid)
    if (this.#podsOf.get(ownerUid)?.size === 0) this.#podsOf.delete(ownerUid)
  }
}

const ownersIn = (object: JsonObject | undefined): ReadonlyArray<string> => {
  const owners = object === undefined ? undefined : metadataOf(object)["ownerReferences"]
  return Array.isArray(owners) ? owners.flatMap((one) => (isObject(one) ? [textAt(one, "uid")] : [])) : []
}

const setIn = (map: Map<string, Set<string>>, key: string): Set<string> => {
  const found = map.get(key) ?? new Set<string>()
  map.set(key, found)
  return found
}
