/** JSON as values that nobody changes, and the few questions that an API server asks of it. */

export type Json = string | number | boolean | null | ReadonlyArray<Json> | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const objectAt = (object: JsonObject, key: string): JsonObject => {
  const value = object[key]
  return isObject(value) ? value : {}
}

export const textAt = (object: JsonObject, key: string): string => {
  const value = object[key]
  return typeof value === "string" ? value : ""
}

export const listAt = (object: JsonObject, key: string): ReadonlyArray<Json> => {
  const value = object[key]
  return Array.isArray(value) ? value : []
}

/** "spec.replicas" of an object; undefined where there is nothing. */
export const valueAt = (object: Json | undefined, path: string): Json | undefined =>
  path.split(".").reduce<Json | undefined>((value, key) => (isObject(value) ? value[key] : undefined), object)

export const withValue = (object: Json | undefined, path: string, value: Json): JsonObject => {
  const [key = "", ...rest] = path.split(".")
  const base = isObject(object) ? object : {}
  return { ...base, [key]: rest.length === 0 ? value : withValue(base[key], rest.join("."), value) }
}

export const without = (object: JsonObject, ...keys: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))

/** For a person: a text as it stands, anything else as JSON. */
export const wordOf = (value: Json | undefined): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value)

/** The order of keys says nothing. */
export const same = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item: Json, index) => same(item, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}

export const metadataOf = (object: JsonObject): JsonObject => objectAt(object, "metadata")
export const nameOf = (object: JsonObject): string => textAt(metadataOf(object), "name")
export const namespaceOf = (object: JsonObject): string => textAt(metadataOf(object), "namespace")
