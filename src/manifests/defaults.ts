/** What an API server does to an object before it looks at the values: unknown fields are found, defaults put in. */
import { isObject } from "#manifests/causes"
import type { Structural } from "#manifests/structural"

const isOpen = (schema: Structural): boolean => schema["x-kubernetes-preserve-unknown-fields"] === true

/** A field of that name like any other, whatever the name means to JavaScript. */
const put = (object: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === "__proto__")
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  else object[name] = value
}

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

/** The same list where its items are the same. */
const mapped = (list: ReadonlyArray<unknown>, to: (item: unknown) => unknown): ReadonlyArray<unknown> => {
  const items = list.map(to)
  return items.every((item, index) => item === list[index]) ? list : items
}

/** What an API server stores: nothing that the schema does not know. What has nothing of it is the same object. */
export const prune = (value: unknown, schema: Structural): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : mapped(value, (item) => prune(item, items))
  }
  if (!isObject(value)) return value
  const { additionalProperties, properties = {} } = schema
  const kept: Record<string, unknown> = {}
  let isSame = true
  for (const [name, child] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known === undefined && !isOpen(schema)) isSame = false
    else {
      const within = known === undefined ? child : prune(child, known)
      isSame &&= within === child
      put(kept, name, within)
    }
  }
  return isSame ? value : kept
}

/**
 * Nulls are as good as absent where the schema does not want them, and absent fields take their default. What lacks
 * nothing is the same object, so that whoever compares it with the one before has little to do.
 */
export const applyDefaults = (value: unknown, schema: Structural): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? value : mapped(value, (item) => applyDefaults(item, items))
  }
  if (!isObject(value)) return value
  const { additionalProperties, properties = {} } = schema
  const whole: Record<string, unknown> = {}
  let isSame = true
  for (const [name, child] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known !== undefined && child === null) isSame = false
    else {
      const within = known === undefined ? child : applyDefaults(child, known)
      isSame &&= within === child
      put(whole, name, within)
    }
  }
  for (const [name, { default: preset }] of Object.entries(properties)) {
    if (preset === undefined || Object.hasOwn(whole, name)) continue
    isSame = false
    put(whole, name, preset)
  }
  return isSame ? value : whole
}
