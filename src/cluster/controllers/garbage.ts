/** What nobody owns any more goes: dependents after their owners, and Events after an hour. */
import type { JsonObject } from "#cluster/api/json"
import { listAt, metadataOf, nameOf, namespaceOf, textAt } from "#cluster/api/json"
import { lastSeen } from "#cluster/api/eventGuise"
import { at, type Hands, ownersOf, uidOf } from "#cluster/controllers/Hands"
import type { Inventory } from "#cluster/controllers/Inventory"
import { parseTime } from "#services/kubernetesTime"

const MANAGER = "generic-garbage-collector"
const EVENT_MILLIS = 3_600_000

/** `dependent`: "resource namespace/name". */
export const lookAtDependent = (hands: Hands, dependent: string): void => {
  const object = found(hands, dependent)
  if (object === undefined) return
  const owners = ownersOf(object)
  const alive = owners.filter((owner) => isThere(hands, namespaceOf(object), owner))
  if (alive.length === owners.length) return
  const kind = textAt(object, "kind")
  if (alive.length === 0) return hands.server.remove(kind, namespaceOf(object), nameOf(object), MANAGER)
  disown(hands, object, (owner) => alive.includes(owner))
}

export const lookAtOrphans = (hands: Hands, inventory: Inventory, ownerUid: string): void => {
  for (const dependent of inventory.dependentsOf(ownerUid)) lookAtDependent(hands, dependent)
  inventory.forget(ownerUid)
}

const ORPHAN = "orphan"
const FOREGROUND = "foregroundDeletion"

/** An owner in its last moments waits until its dependents are off on their own, or gone. */
export const isWaiting = (object: JsonObject): boolean =>
  metadataOf(object)["deletionTimestamp"] !== undefined &&
  listAt(metadataOf(object), "finalizers").some((one) => one === ORPHAN || one === FOREGROUND)

/** `owner`: "resource namespace/name". */
export const lookAtWaiting = (hands: Hands, inventory: Inventory, owner: string): void => {
  const object = found(hands, owner)
  if (object === undefined || !isWaiting(object)) return
  const finalizers = listAt(metadataOf(object), "finalizers")
  const dependents = inventory
    .dependentsOf(uidOf(object))
    .map((one) => found(hands, one))
    .filter((one) => one !== undefined)
  for (const dependent of dependents) {
    if (finalizers.includes(ORPHAN)) disown(hands, dependent, (one) => one["uid"] !== uidOf(object))
    else hands.server.remove(textAt(dependent, "kind"), namespaceOf(dependent), nameOf(dependent), MANAGER)
  }
  const isHeld = finalizers.includes(FOREGROUND) && inventory.dependentsOf(uidOf(object)).length > 0
  if (isHeld) return
  const metadata = { finalizers: finalizers.filter((one) => one !== ORPHAN && one !== FOREGROUND) }
  hands.server.patch(textAt(object, "kind"), namespaceOf(object), nameOf(object), { metadata }, MANAGER)
}

const found = (hands: Hands, address: string): JsonObject | undefined => {
  const space = address.indexOf(" ")
  return at(hands, address.slice(0, space), address.slice(space + 1))
}

const disown = ({ server }: Hands, object: JsonObject, keeps: (owner: JsonObject) => boolean): void => {
  const kept = ownersOf(object).filter(keeps)
  const metadata = { ownerReferences: kept.length === 0 ? null : kept }
  server.patch(textAt(object, "kind"), namespaceOf(object), nameOf(object), { metadata }, MANAGER)
}

/** By name and uid: another object of the name is not the owner. An owner has the namespace of the object, or none. */
const isThere = ({ server }: Hands, namespace: string, owner: JsonObject): boolean => {
  const kind = textAt(owner, "kind")
  const resource = server.kinds.all.find((one) => one.kind === kind && one.guise === undefined)
  if (resource === undefined) return false
  const found = server.find(kind, resource.namespaced ? namespace : "", textAt(owner, "name"))
  return found !== undefined && uidOf(found) === textAt(owner, "uid")
}

export const lookAtEvent = (hands: Hands, key: string): void => {
  const event = at(hands, "events", key)
  if (event === undefined) return
  const until = (parseTime(lastSeen(event)) ?? hands.now()) + EVENT_MILLIS
  if (until > hands.now()) return hands.agenda.markAt(until, "event", key)
  hands.server.remove("Event", namespaceOf(event), nameOf(event), "kube-apiserver")
}
