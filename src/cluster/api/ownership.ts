/** Server-side apply: who owns which field, what an apply merges, takes away and may not touch. */
import type { Structural } from "#manifests/structural"
import type { FieldSet } from "#cluster/api/fieldSets"
import {
  childSchema,
  compare,
  fieldText,
  itemStep,
  ownedBy,
  parsed,
  pathsOf,
  rendered,
  shapeOf,
  STEP,
  under,
  valueStep
} from "#cluster/api/fieldSets"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, textAt, without } from "#cluster/api/json"
import { applyConflict } from "#cluster/api/Refusal"

export interface Entry {
  readonly manager: string
  readonly operation: "Apply" | "Update"
  readonly subresource: string
  readonly apiVersion: string
  readonly time: string
  readonly fields: FieldSet
  /** The same as it was stored, until it changes. */
  readonly held?: { readonly fields: FieldSet; readonly tree: Json }
}

type By = Omit<Entry, "fields" | "held">

/** Of the metadata, what people own; the type belongs to nobody. */
const OWNABLE = ["labels", "annotations", "finalizers", "ownerReferences"]

export const ownable = (object: JsonObject): JsonObject => {
  const kept = Object.entries(metadataOf(object)).filter(([key]) => OWNABLE.includes(key))
  const rest = without(object, "apiVersion", "kind", "metadata")
  return kept.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(kept) }
}

/** Field sets by the trees that they were read from, for as long as somebody holds these. */
export type Read = WeakMap<object, FieldSet>

const readOf = (tree: Json | undefined, read: Read): FieldSet => {
  if (!isObject(tree)) return parsed(tree)
  const fields = read.get(tree) ?? parsed(tree)
  read.set(tree, fields)
  return fields
}

export const entriesOf = (object: JsonObject, read: Read): ReadonlyArray<Entry> =>
  listAt(metadataOf(object), "managedFields")
    .filter(isObject)
    .filter((entry) => textAt(entry, "manager") !== "")
    .map((entry) => {
      const fields = readOf(entry["fieldsV1"], read)
      return {
        manager: textAt(entry, "manager"),
        operation: entry["operation"] === "Apply" ? "Apply" : "Update",
        subresource: textAt(entry, "subresource"),
        apiVersion: textAt(entry, "apiVersion"),
        time: textAt(entry, "time"),
        fields,
        held: { fields, tree: entry["fieldsV1"] ?? {} }
      }
    })

export const managedFields = (entries: ReadonlyArray<Entry>): ReadonlyArray<Json> =>
  entries.map(({ apiVersion, fields, held, manager, operation, subresource, time }) => ({
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: "FieldsV1",
    fieldsV1: held !== undefined && equal(held.fields, fields) ? held.tree : rendered(fields),
    ...(subresource === "" ? {} : { subresource })
  }))

const isOf = (entry: Entry, by: By): boolean =>
  entry.manager === by.manager && entry.operation === by.operation && entry.subresource === by.subresource

const minus = (set: FieldSet, other: FieldSet): FieldSet => new Set([...set].filter((path) => !other.has(path)))
const equal = (a: FieldSet, b: FieldSet): boolean =>
  a === b || (a.size === b.size && [...a].every((path) => b.has(path)))

/** The writer's entry in the place of its older one; it keeps its time while it says the same. */
const withEntry = (entries: ReadonlyArray<Entry>, by: By, fields: FieldSet): ReadonlyArray<Entry> => {
  const own = entries.find((entry) => isOf(entry, by))
  const next = own !== undefined && equal(own.fields, fields) ? { ...own, fields } : { ...by, fields }
  const others = own === undefined ? [...entries, next] : entries.map((entry) => (entry === own ? next : entry))
  return others.filter((entry) => entry.fields.size > 0)
}

/** After a create, an update or a patch: what was changed is the writer's alone. */
export const afterUpdate = (
  schema: Structural,
  before: JsonObject | undefined,
  after: JsonObject,
  entries: ReadonlyArray<Entry>,
  by: By
): ReadonlyArray<Entry> => {
  const { changed, removed } = compare(schema, before === undefined ? {} : ownable(before), ownable(after))
  if (changed.size === 0 && removed.size === 0) return entries
  const left = entries.map((entry) => ({
    ...entry,
    fields: minus(minus(entry.fields, isOf(entry, by) ? new Set() : changed), removed)
  }))
  const own = left.find((entry) => isOf(entry, by))?.fields ?? new Set<string>()
  return withEntry(left, by, new Set([...own, ...changed]))
}

const mergeLists = (schema: Structural | undefined, live: ReadonlyArray<Json>, given: ReadonlyArray<Json>): Json => {
  const keyed = schema?.["x-kubernetes-list-type"] === "map"
  const idOf = (item: Json) => (keyed ? itemStep(schema, item) : valueStep(item))
  const [liveIds, givenIds] = [live.map(idOf), given.map(idOf)]
  const placed = new Map(liveIds.map((id, index) => [id, index]))
  const wanted = new Set(givenIds)
  const done = new Set<string>()
  const merged: Array<Json> = []
  let at = 0
  const take = (index: number) => {
    const item = given[index] ?? null
    const before = live[placed.get(givenIds[index] ?? "") ?? -1]
    merged.push(keyed && before !== undefined ? merge(schema?.items, before, item) : item)
    done.add(givenIds[index] ?? "")
  }
  for (let index = 0; index < given.length;) {
    const [there = "", here = ""] = [liveIds[at], givenIds[index]]
    if (at < live.length && done.has(there)) at++
    else if (at < live.length && there === here) take(index++) // the live side is skipped as done
    else if (at < live.length && !wanted.has(there)) merged.push(live[at++] ?? null)
    else if (at >= live.length || !placed.has(here)) take(index++)
    else at++
  }
  for (; at < live.length; at++) if (!wanted.has(liveIds[at] ?? "")) merged.push(live[at] ?? null)
  return merged
}

/** The applied configuration over what is there. */
const merge = (schema: Structural | undefined, live: Json | undefined, given: Json): Json => {
  if (live === undefined) return given
  const shape = shapeOf(schema, given)
  if (shape === "leaf" || shapeOf(schema, live) !== shape) return given
  if (shape !== "map") return mergeLists(schema, live as ReadonlyArray<Json>, given as ReadonlyArray<Json>)
  const merged: Record<string, Json> = { ...(live as JsonObject) }
  for (const [name, value] of Object.entries(given as JsonObject)) {
    merged[name] = merge(childSchema(schema, name), merged[name], value)
  }
  return merged
}

/** Takes away what nobody owns any more: a field stays while anything in it is owned, an item only while it is itself. */
const removePaths = (
  schema: Structural | undefined,
  value: Json,
  gone: FieldSet,
  kept: FieldSet,
  holding: FieldSet,
  path = ""
): Json | undefined => {
  const shape = shapeOf(schema, value)
  const emptied = (before: number, after: number) => path !== "" && before > 0 && after === 0 && !kept.has(path)
  if (shape === "map") {
    const fields = Object.entries(value as JsonObject)
    const left = fields.flatMap(([name, child]) => {
      const at = under(path, `f:${name}`)
      const isGone = gone.has(at) && !kept.has(at) && !holding.has(at)
      const rest = isGone ? undefined : removePaths(childSchema(schema, name), child, gone, kept, holding, at)
      return rest === undefined ? [] : [[name, rest] as const]
    })
    return emptied(fields.length, left.length) ? undefined : Object.fromEntries(left)
  }
  if (shape === "leaf") return value
  const items = value as ReadonlyArray<Json>
  const left = items.flatMap((item) => {
    const at = under(path, shape === "items" ? itemStep(schema, item) : valueStep(item))
    if (gone.has(at) && !kept.has(at)) return []
    return [shape === "items" ? (removePaths(schema?.items, item, gone, kept, holding, at) ?? item) : item]
  })
  return emptied(items.length, left.length) ? undefined : left
}

/** Every path that another one is below of. */
const above = (paths: FieldSet): FieldSet => {
  const found = new Set<string>()
  for (const path of paths) {
    for (let end = path.lastIndexOf(STEP); end > 0; end = path.lastIndexOf(STEP, end - 1)) found.add(path.slice(0, end))
  }
  return found
}

/** The name of the part that a path lies in. */
const rootOf = (path: string): string => path.split(STEP, 1)[0]?.slice(2) ?? ""

export interface Applied {
  readonly object: JsonObject
  readonly entries: ReadonlyArray<Entry>
}

/** `given` and `live` are ownable parts. Others' fields that would change are conflicts, unless it is forced. */
export const apply = (
  schema: Structural,
  live: JsonObject,
  given: JsonObject,
  entries: ReadonlyArray<Entry>,
  by: By & { readonly force: boolean }
): Applied => {
  const { force, ...writer } = by
  const wanted = ownedBy(schema, given)
  const last = entries.find((entry) => isOf(entry, writer))?.fields ?? new Set<string>()
  const gone = minus(last, wanted)
  // What the writer neither names nor named stays as it is, and is not looked into.
  const touched = new Set([...Object.keys(given), ...[...gone].map(rootOf)])
  const part = Object.fromEntries(Object.entries(live).filter(([name]) => touched.has(name)))
  const merged = merge(schema, part, given) as JsonObject
  const { changed, removed } = compare(schema, part, merged)
  const conflicts = entries
    .filter((entry) => !isOf(entry, writer))
    .flatMap((entry) => [...entry.fields].filter((path) => changed.has(path)).map((path) => ({ entry, path })))
  if (conflicts.length > 0 && !force) {
    throw applyConflict(conflicts.map(({ entry, path }) => ({ manager: describe(entry), field: fieldText(path) })))
  }
  const others = entries.map((entry) =>
    isOf(entry, writer) ? entry : { ...entry, fields: minus(minus(entry.fields, changed), removed) }
  )
  const pruned = () => {
    const theirs = others.filter((entry) => !isOf(entry, writer)).flatMap((entry) => [...entry.fields])
    const kept = new Set([...wanted, ...theirs])
    return (removePaths(schema, merged, gone, kept, above(kept)) ?? {}) as JsonObject
  }
  const after = gone.size === 0 ? merged : pruned()
  let present: FieldSet | undefined
  const isThere = (path: string) =>
    wanted.has(path) || !touched.has(rootOf(path)) || (present ??= pathsOf(schema, after)).has(path)
  const left = others.map((entry) => ({ ...entry, fields: new Set([...entry.fields].filter(isThere)) }))
  const stays = ([name]: readonly [string, Json]) => !touched.has(name) || Object.hasOwn(after, name)
  const object = Object.fromEntries(Object.entries({ ...live, ...after }).filter(stays))
  return { object, entries: withEntry(left, writer, wanted) }
}

const describe = ({ apiVersion, manager, operation, subresource }: Entry): string => {
  const through = subresource === "" ? "" : ` with subresource "${subresource}"`
  return operation === "Apply" ? `"${manager}"${through}` : `"${manager}"${through} using ${apiVersion}`
}
