/** One watch: what it begins with, and what each commit means to its selection. */
import type { Address, ApiRequest, OpenWatch } from "#cluster/api/requests"
import type { JsonObject } from "#cluster/api/json"
import { namespaceOf, nameOf } from "#cluster/api/json"
import { chosen, forbiddenMatch, type Held, selection } from "#cluster/api/lists"
import { badRequest, methodNotAllowed, Refusal } from "#cluster/api/Refusal"
import { groupVersionOf, keyOf } from "#cluster/api/Resource"
import type { Commit } from "#cluster/api/Store"
import { rowed } from "#cluster/api/tables"

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"
  readonly object: JsonObject
}

const initialEvents = (query: Readonly<Record<string, string>>): boolean => {
  const { resourceVersionMatch, sendInitialEvents } = query
  if (sendInitialEvents === undefined && resourceVersionMatch === undefined) return false
  if (sendInitialEvents === undefined) throw forbiddenMatch("for watch unless sendInitialEvents is provided")
  if (resourceVersionMatch !== "NotOlderThan") throw forbiddenMatch("with sendInitialEvents unless it is NotOlderThan")
  return sendInitialEvents === "true"
}

export const opened = (held: Held, address: Address, request: ApiRequest): OpenWatch => {
  const { kinds, now, store } = held
  const { name, namespace, resource } = address
  const query = request.query ?? {}
  if (resource.computed !== undefined || resource.answered !== undefined) throw methodNotAllowed()
  const key = keyOf(kinds.stored(resource))
  const matches = selection(query, resource)
  const rows = rowed(resource, request)
  const asked = query["resourceVersion"] ?? ""
  if (!/^\d*$/u.test(asked)) throw badRequest(`resourceVersion: Invalid value: "${asked}"`)
  const streaming = initialEvents(query)
  const bookmarks = query["allowWatchBookmarks"] === "true"

  const isSelected = (object: JsonObject): boolean =>
    (namespace === "" || namespaceOf(object) === namespace) &&
    (name === "" || nameOf(object) === name) &&
    matches(object)
  const shown = (object: JsonObject) => (resource.guise === undefined ? object : resource.guise.toShown(object))

  /** Entering the selection is ADDED, leaving it DELETED. */
  const eventOf = (commit: Commit): WatchEvent | undefined => {
    if (commit.resource !== key) return undefined
    const object = shown(commit.object)
    const [was, is] = [
      commit.before !== undefined && isSelected(shown(commit.before)),
      commit.type !== "DELETED" && isSelected(object)
    ]
    if (is) return { type: was ? "MODIFIED" : "ADDED", object: rows(object, now()) }
    return was ? { type: "DELETED", object: rows(object, now()) } : undefined
  }
  const bookmark = (annotations?: JsonObject): WatchEvent => {
    const metadata = { resourceVersion: String(store.version), ...(annotations === undefined ? {} : { annotations }) }
    return {
      type: "BOOKMARK",
      object: rows({ kind: resource.kind, apiVersion: groupVersionOf(resource), metadata }, now())
    }
  }
  const existing = (): ReadonlyArray<WatchEvent> => {
    const objects = chosen(held, address, query)
    return objects.map((object) => ({ type: "ADDED", object: rows(object, now()) }))
  }
  const backlog = (): ReadonlyArray<WatchEvent> => {
    if (streaming) return [...existing(), bookmark({ "k8s.io/initial-events-end": "true" })]
    if (["", "0"].includes(asked) && query["sendInitialEvents"] === undefined) return existing()
    return store.since(Number(asked)).flatMap((commit) => eventOf(commit) ?? [])
  }
  return {
    events: begun(backlog),
    listen: (listener) =>
      store.onCommit((commit) => {
        const event = eventOf(commit)
        if (event !== undefined) listener(event)
      }),
    bookmark: () => (bookmarks ? bookmark() : undefined)
  }
}

/** A version too old is said within the watch. */
const begun = (backlog: () => ReadonlyArray<WatchEvent>): ReadonlyArray<WatchEvent> => {
  try {
    return backlog()
  } catch (error) {
    if (error instanceof Refusal && error.code === 410) return [{ type: "ERROR", object: error.status }]
    throw error
  }
}
