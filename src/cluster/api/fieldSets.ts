/**
 * Which fields an object has, as paths that can be owned: the ground of server-side apply. A path is a text of steps,
 * `f:name` for a field, `k:{...}` for an item of a list by its keys, `v:...` for an item of a set by its value.
 */
import type { Structural } from "#manifests/structural"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, same } from "#cluster/api/json"

export type FieldSet = ReadonlySet<string>

export const STEP = "\u0001"
export const under = (path: string, step: string): string => (path === "" ? step : `${path}${STEP}${step}`)

export type Shape = "leaf" | "map" | "items" | "values"

/** How a value is owned: as a whole, by field, by item, or by value. */
export const shapeOf = (schema: Structural | undefined, value: Json): Shape => {
  if (Array.isArray(value)) {
    const type = schema?.["x-kubernetes-list-type"]
    return type === "map" ? "items" : type === "set" ? "values" : "leaf"
  }
  return isObject(value) && schema?.["x-kubernetes-map-type"] !== "atomic" ? "map" : "leaf"
}

export const childSchema = (schema: Structural | undefined, name: string): Structural | undefined =>
  schema?.properties?.[name] ?? schema?.additionalProperties

/** An item is told from others by its keys, whose defaults count. */
export const itemStep = (schema: Structural | undefined, item: Json): string => {
  const keys = schema?.["x-kubernetes-list-map-keys"] ?? []
  const fields = isObject(item) ? item : {}
  const values = keys.flatMap((key) => {
    const value = fields[key] ?? schema?.items?.properties?.[key]?.default
    return value === undefined ? [] : [[key, value] as const]
  })
  return `k:${JSON.stringify(Object.fromEntries(values))}`
}
export const valueStep = (value: Json): string => `v:${JSON.stringify(value)}`

interface Node {
  readonly value: Json
  readonly shape: Shape
  /** An item of a list is there by its keys, whatever else changes in it. */
  readonly item: boolean
}

/** Every node below a value by its path. */
const nodesOf = (
  schema: Structural | undefined,
  value: Json,
  path = "",
  found = new Map<string, Node>(),
  item = false
) => {
  const shape = item ? "map" : shapeOf(schema, value)
  found.set(path, { value, shape, item })
  if (shape === "map") {
    for (const [name, child] of Object.entries(value as JsonObject)) {
      nodesOf(childSchema(schema, name), child, under(path, `f:${name}`), found)
    }
  }
  if (shape === "items") {
    for (const one of value as ReadonlyArray<Json>)
      nodesOf(schema?.items, one, under(path, itemStep(schema, one)), found, true)
  }
  if (shape === "values") {
    for (const one of value as ReadonlyArray<Json>)
      found.set(under(path, valueStep(one)), { value: one, shape: "leaf", item: false })
  }
  return found
}

/** An empty list is nothing that anybody could own, other than an empty map. */
const isEmpty = ({ shape, value }: Node): boolean => shape === "map" && Object.keys(value as JsonObject).length === 0

/** What somebody who applies this owns: leaves, items, and maps that are empty. */
export const ownedBy = (schema: Structural | undefined, value: Json): FieldSet => {
  const owned = [...nodesOf(schema, value)].filter(
    ([path, node]) => path !== "" && (node.shape === "leaf" || node.item || isEmpty(node))
  )
  return new Set(owned.map(([path]) => path))
}

/** Both without the fields that are the same: most writes change little. */
const differing = (schema: Structural | undefined, before: Json, after: Json): readonly [Json, Json] => {
  if (!isObject(before) || !isObject(after) || schema?.["x-kubernetes-map-type"] === "atomic") return [before, after]
  const [left, right]: [Record<string, Json>, Record<string, Json>] = [{ ...before }, { ...after }]
  for (const [name, value] of Object.entries(before)) {
    const now = after[name]
    if (now === undefined) continue
    const pair = same(value, now) ? undefined : differing(childSchema(schema, name), value, now)
    if (pair !== undefined) [left[name], right[name]] = pair
    else for (const side of [left, right]) delete side[name]
  }
  return [left, right]
}

/** What a change adds or changes, containers included, and what it takes away. */
export const compare = (schema: Structural | undefined, before: Json, after: Json) => {
  const [was, is] = differing(schema, before, after)
  const [old, now] = [nodesOf(schema, was), nodesOf(schema, is)]
  const changed = new Set<string>()
  for (const [path, node] of now) {
    const was = old.get(path)
    if (path === "") continue
    if (was === undefined) changed.add(path)
    else if ((node.shape === "leaf" || was.shape === "leaf") && !same(was.value, node.value)) changed.add(path)
  }
  const removed = new Set([...old.keys()].filter((path) => !now.has(path)))
  return { changed, removed }
}

export const pathsOf = (schema: Structural | undefined, value: Json): FieldSet => new Set(nodesOf(schema, value).keys())

/** fieldsV1: steps as nested keys, "." where the container itself is owned. */
export const rendered = (paths: FieldSet): JsonObject => {
  const root: Record<string, Json> = {}
  for (const path of [...paths].sort()) {
    let at = root
    for (const step of path.split(STEP)) at = (at[step] ??= {}) as Record<string, Json>
    at["."] = {}
  }
  return trimmed(root)
}

/** A leaf is the empty object; only a container says of itself that it is owned. */
const trimmed = (tree: JsonObject): JsonObject => {
  const entries = Object.entries(tree).map(([step, child]) => {
    const inside = child as JsonObject
    const keys = Object.keys(inside)
    return [step, keys.length === 1 && keys[0] === "." ? {} : step === "." ? {} : trimmed(inside)] as const
  })
  return Object.fromEntries(entries)
}

export const parsed = (tree: Json | undefined, path = "", found = new Set<string>()): FieldSet => {
  if (!isObject(tree)) return found
  for (const [step, child] of Object.entries(tree)) {
    if (step === ".") {
      if (path !== "") found.add(path)
    } else if (isObject(child) && Object.keys(child).length > 0) parsed(child, under(path, step), found)
    else found.add(under(path, step))
  }
  return found
}

/** ".spec.items[name="a"].value" */
export const fieldText = (path: string): string =>
  path
    .split(STEP)
    .map((step) => {
      if (step.startsWith("f:")) return `.${step.slice(2)}`
      if (step.startsWith("v:")) return `[=${step.slice(2)}]`
      const keys = JSON.parse(step.slice(2)) as Record<string, unknown>
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(",")}]`
    })
    .join("")
