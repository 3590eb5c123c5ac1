/**
 * How controllers write: statuses and pods go straight into the store, as nothing in them has to be judged, defaulted
 * or owned, and that is what makes thousands of pods cheap. Everything that people write too goes through the API.
 */
import type { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, namespaceOf, same, textAt } from "#cluster/api/json"
import type { Agenda } from "#cluster/controllers/Agenda"

export interface Hands {
  readonly server: ApiServer
  readonly agenda: Agenda
  readonly now: () => number
  /** As objects write a time. */
  readonly timeText: (millis: number) => string
  readonly emit: Emit
}

export type Emit = (about: JsonObject, type: "Normal" | "Warning", reason: string, message: string, by: string) => void

export const keyFor = (namespace: string, name: string): string => `${namespace}/${name}`
export const keyOfObject = (object: JsonObject): string => keyFor(namespaceOf(object), nameOf(object))
export const uidOf = (object: JsonObject): string => textAt(metadataOf(object), "uid")

/** By "namespace/name". */
export const at = ({ server }: Pick<Hands, "server">, resource: string, key: string): JsonObject | undefined => {
  const slash = key.indexOf("/")
  return server.store.find(resource, key.slice(0, slash), key.slice(slash + 1))
}

export const timeOf = ({ now, timeText }: Pick<Hands, "now" | "timeText">): string => timeText(now())

/** Nothing happens where it says so already. */
export const setStatus = (
  { server }: Pick<Hands, "server">,
  resource: string,
  live: JsonObject,
  status: JsonObject,
  manager: string
): JsonObject =>
  same(live["status"], status)
    ? live
    : server.store.put(resource, { ...live, status }, { manager, subresource: "status" })

const SUFFIX = "bcdfghjklmnpqrstvwxz2456789"

/** Five characters that look like chance, and are a count: 0 to 27^5 - 1 each once. */
export const suffixOf = (count: number): string => {
  const places = SUFFIX.length ** 5
  // A step that shares no factor with the number of places visits each of them.
  let left = ((count + 1) * 7_368_787) % places
  let text = ""
  for (let place = 0; place < 5; place++) {
    text += SUFFIX[left % SUFFIX.length] ?? ""
    left = Math.floor(left / SUFFIX.length)
  }
  return text
}

/** Of the uids that the API server makes up, none looks like this. */
export const uidFor = (count: number): string => `00000000-0000-4000-9000-${count.toString(16).padStart(12, "0")}`

/** A text for what a template says, in the letters of names. */
export const hashOf = (text: string): string => {
  let hash = 0x811c9dc5
  for (let place = 0; place < text.length; place++) hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193) >>> 0
  return Array.from(String(hash), (digit) => SUFFIX[digit.charCodeAt(0) % SUFFIX.length]).join("")
}

export const controllerOf = (object: JsonObject): JsonObject | undefined =>
  ownersOf(object).find((owner) => owner["controller"] === true)

export const ownersOf = (object: JsonObject): ReadonlyArray<JsonObject> => {
  const owners = metadataOf(object)["ownerReferences"]
  return Array.isArray(owners) ? (owners as ReadonlyArray<JsonObject>) : []
}

export const ownedBy = (owner: JsonObject): JsonObject => ({
  apiVersion: textAt(owner, "apiVersion"),
  kind: textAt(owner, "kind"),
  name: nameOf(owner),
  uid: uidOf(owner),
  controller: true,
  blockOwnerDeletion: true
})
