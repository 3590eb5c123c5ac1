/** What nobody owns any more goes: dependents after their owners, and Events after an hour. */
import type { JsonObject } from "#cluster/api/json"
import { nameOf, namespaceOf, textAt } from "#cluster/api/json"
import { lastSeen } from "#cluster/api/eventGuise"
import { at, type Hands, ownersOf, uidOf } from "#cluster/controllers/Hands"
import type { Inventory } from "#cluster/controllers/Inventory"
import { parseTime } from "#services/kubernetesTime"

const MANAGER = "generic-garbage-collector"
const EVENT_MILLIS = 3_600_000

/** `dependent`: "resource namespace/name". */
export const lookAtDependent = (hands: Hands, dependent: string): void => {
  const space = dependent.indexOf(" ")
  const object = at(hands, dependent.slice(0, space), dependent.slice(space + 1))
  if (object === undefined) return
  const owners = ownersOf(object)
  const alive = owners.filter((owner) => isThere(hands, namespaceOf(object), owner))
  if (alive.length === owners.length) return
  const kind = textAt(object, "kind")
  if (alive.length === 0) return hands.server.remove(kind, namespaceOf(object), nameOf(object), MANAGER)
  const metadata = { ownerReferences: alive }
  hands.server.patch(kind, namespaceOf(object), nameOf(object), { metadata }, MANAGER)
}

export const lookAtOrphans = (hands: Hands, inventory: Inventory, ownerUid: string): void => {
  for (const dependent of inventory.dependentsOf(ownerUid)) lookAtDependent(hands, dependent)
  inventory.forget(ownerUid)
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
