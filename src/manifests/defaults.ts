/** What an API server does to an object before it looks at the values: unknown fields are found, defaults put in. */
import { isObject } from "#manifests/causes"
import type { Structural } from "#manifests/structural"

const isOpen = (schema: Structural): boolean => schema["x-kubernetes-preserve-unknown-fields"] === true

/** Paths of fields that the schema does not know; below a value of another type than it wants, nothing is known. */
export const unknownFields = (value: unknown, schema: Structural | undefined, path = ""): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap((item, i) => unknownFields(item, schema?.items, `${path}[${i}]`))
  if (!isObject(value)) return []
  const { additionalProperties, properties = {} } = schema ?? {}
  return Object.entries(value).flatMap(([name, child]) => {
    const at = path === "" ? name : `${path}.${name}`
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known !== undefined) return unknownFields(child, known, at)
    return schema !== undefined && isOpen(schema) ? [] : [at]
  })
}

/** What an API server stores: nothing that the schema does not know. */
export const prune = (value: unknown, schema: Structural): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : value.map((item) => prune(item, items))
  }
  if (!isObject(value)) return value
  const { additionalProperties, properties = {} } = schema
  const kept = Object.entries(value).flatMap(([name, child]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known !== undefined) return [[name, prune(child, known)] as const]
    return isOpen(schema) ? [[name, child] as const] : []
  })
  return Object.fromEntries(kept)
}

/** Nulls are as good as absent where the schema does not want them, and absent fields take their default. */
export const applyDefaults = (value: unknown, schema: Structural): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : value.map((item) => applyDefaults(item, items))
  }
  if (!isObject(value)) return value
  const { additionalProperties, properties = {} } = schema
  const present = Object.entries(value).flatMap(([name, child]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known === undefined) return [[name, child] as const]
    return child === null ? [] : [[name, applyDefaults(child, known)] as const]
  })
  const kept = new Set(present.map(([name]) => name))
  const absent = Object.entries(properties).flatMap(([name, { default: preset }]) =>
    preset === undefined || kept.has(name) ? [] : [[name, preset] as const]
  )
  return Object.fromEntries([...present, ...absent])
}
