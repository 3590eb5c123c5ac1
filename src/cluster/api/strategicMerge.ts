/** Strategic merge patch, which kubectl sends for built-in kinds: lists of objects merge by the key of their schema. */
import type { Structural } from "#manifests/structural"
import { childSchema } from "#cluster/api/fieldSets"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, same } from "#cluster/api/json"
import { jsonPatch, mergePatch } from "#cluster/api/patches"
import { badRequest, unsupportedMedia } from "#cluster/api/Refusal"
import type { Resource } from "#cluster/api/Resource"

type List = ReadonlyArray<Json>

const ORDER = "$setElementOrder/"
const DROPPED = "$deleteFromPrimitiveList/"

const mergeKeyOf = (schema: Structural | undefined): string | undefined => schema?.["x-kubernetes-list-map-keys"]?.[0]

const keyIn = (item: Json, key: string): Json => {
  const value = isObject(item) ? item[key] : undefined
  if (value === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
  return value
}

/** The items that the order names stand in that order; the others stay behind the one they followed. */
const ordered = (items: List, order: List, idOf: (item: Json) => Json): List => {
  const ids = order.map((one) => (isObject(one) ? idOf(one) : one))
  const rank = new Map(ids.map((id, index) => [JSON.stringify(id), index]))
  let last = -1
  return items
    .map((item, index) => {
      const own = rank.get(JSON.stringify(idOf(item)))
      if (own !== undefined) last = Math.max(own, last)
      return { item, index, place: own ?? last }
    })
    .toSorted((a, b) => a.place - b.place || a.index - b.index)
    .map(({ item }) => item)
}

const mergeItems = (live: List, patch: List, schema: Structural, key: string, order: List | undefined): List => {
  const whole = patch.some((item) => isObject(item) && item["$patch"] === "replace")
  const changes = patch.filter((item) => isObject(item) && item["$patch"] !== "replace")
  const items: Array<Json> = whole ? [] : [...live]
  const added: Array<Json> = []
  for (const change of changes) {
    const id = keyIn(change, key)
    const index = items.findIndex((item) => isObject(item) && same(item[key], id))
    if (isObject(change) && change["$patch"] === "delete") {
      if (index >= 0) items.splice(index, 1)
    } else if (index < 0) added.push(strategicMerge({}, change, schema.items))
    else items[index] = strategicMerge(items[index], change, schema.items)
  }
  const merged = whole ? [...items, ...added] : [...added, ...items]
  return order === undefined ? merged : ordered(merged, order, (item) => keyIn(item, key))
}

const mergeList = (live: List, patch: List, schema: Structural | undefined, order: List | undefined): List => {
  const key = mergeKeyOf(schema)
  if (schema !== undefined && key !== undefined) return mergeItems(live, patch, schema, key, order)
  if (schema?.["x-kubernetes-list-type"] !== "set") return patch
  const merged = [...live, ...patch.filter((item) => !live.some((one) => same(one, item)))]
  return order === undefined ? merged : ordered(merged, order, (item) => item)
}

const mergeField = (live: JsonObject, patch: JsonObject, name: string, schema: Structural | undefined): Json => {
  const [before, change = null] = [live[name], patch[name]]
  const order = patch[`${ORDER}${name}`]
  if (!Array.isArray(change)) return strategicMerge(before, change, schema)
  return mergeList(Array.isArray(before) ? before : [], change, schema, Array.isArray(order) ? order : undefined)
}

/** Lists that a patch only orders or takes from, without naming any item. */
const rearranged = (live: JsonObject, patch: JsonObject, schema: Structural | undefined): JsonObject => {
  const changed: Record<string, Json> = { ...live }
  for (const [directive, value] of Object.entries(patch)) {
    if (!Array.isArray(value)) continue
    if (directive.startsWith(DROPPED)) {
      const name = directive.slice(DROPPED.length)
      const before = changed[name]
      if (Array.isArray(before)) changed[name] = before.filter((item: Json) => !value.some((one) => same(one, item)))
    }
    if (directive.startsWith(ORDER)) {
      const name = directive.slice(ORDER.length)
      const key = mergeKeyOf(childSchema(schema, name))
      const before = changed[name]
      if (Array.isArray(before) && patch[name] === undefined) {
        changed[name] = ordered(before, value, (item) => (key === undefined ? item : keyIn(item, key)))
      }
    }
  }
  return changed
}

export const strategicMerge = (target: Json | undefined, patch: Json, schema: Structural | undefined): Json => {
  if (!isObject(patch)) return patch
  const fields = Object.keys(patch).filter((key) => !key.startsWith("$"))
  if (patch["$patch"] === "delete") return {}
  const retained = patch["$retainKeys"]
  const live = isObject(target) && patch["$patch"] !== "replace" ? target : {}
  const kept = Array.isArray(retained)
    ? Object.fromEntries(Object.entries(live).filter(([key]) => retained.includes(key)))
    : live
  const merged: Record<string, Json> = { ...rearranged(kept, patch, schema) }
  for (const name of fields) {
    if (patch[name] === null) delete merged[name]
    else merged[name] = mergeField(merged, patch, name, childSchema(schema, name))
  }
  return mergePatch({}, merged)
}

const PATCHES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
  "application/strategic-merge-patch+json"
]

/** A patch of any type but apply, which needs to know who applies. */
export const patchedBy = (type: string, view: JsonObject, patch: Json, resource: Resource): Json => {
  switch (type) {
    case "application/merge-patch+json":
      if (!isObject(patch)) throw badRequest("a merge patch of an object is an object")
      return mergePatch(view, patch)
    case "application/json-patch+json":
      return jsonPatch(view, patch)
    case "application/strategic-merge-patch+json":
      if (resource.custom) throw unsupportedMedia(PATCHES.slice(0, 3))
      return strategicMerge(view, patch, resource.schema)
    default:
      throw unsupportedMedia(PATCHES)
  }
}
