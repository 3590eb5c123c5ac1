/** The value checks of a structural schema, as an API server does them, in the order of the schema. */
import {
  boundText,
  duplicate,
  formatInvalid,
  general,
  invalid,
  isObject,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
  typeName
} from "#manifests/causes"
import type { Cause } from "#manifests/causes"
import type { Structural } from "#manifests/structural"

type Causes = ReadonlyArray<Cause>

const fits = (value: unknown, schema: Structural): boolean => {
  const actual = typeName(value)
  if (schema["x-kubernetes-int-or-string"] === true) return actual === "integer" || actual === "string"
  return schema.type === undefined || schema.type === actual || (schema.type === "number" && actual === "integer")
}

const checkType = (value: unknown, schema: Structural, path: string): Causes => {
  if (fits(value, schema)) return []
  const expected = schema["x-kubernetes-int-or-string"] === true ? "integer,string" : (schema.type ?? "")
  const causes = [typeInvalid(path, value, expected)]
  // Said besides, and without the field: the server asks whether the number fits 64 bits.
  return schema.type === "integer" && typeof value === "number"
    ? [...causes, general(`Checked value must be of type integer (default format) in ${path}`)]
    : causes
}

const checkNumber = (value: number, schema: Structural, path: string): Causes => {
  const causes: Array<Cause> = []
  const { maximum, minimum } = schema
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const relation = schema.exclusiveMinimum === true ? "greater than" : "greater than or equal to"
    causes.push(invalid(path, value, `${path} in body should be ${relation} ${boundText(minimum, value)}`))
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const relation = schema.exclusiveMaximum === true ? "less than" : "less than or equal to"
    causes.push(invalid(path, value, `${path} in body should be ${relation} ${boundText(maximum, value)}`))
  }
  return causes
}

/** RE2 knows only the white space of ASCII. */
const re2 = (pattern: string): RegExp => {
  if (!pattern.includes("\\s")) return new RegExp(pattern, "u")
  let inClass = false
  const translated = pattern.replaceAll(/\\.|\[|\]/gu, (token) => {
    if (token === "[") inClass = true
    if (token === "]") inClass = false
    return token === "\\s" ? (inClass ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]") : token
  })
  return new RegExp(translated, "u")
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})t([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d+)?(z|[+-]\d{2}:\d{2})$/u

const isDateTime = (value: string): boolean => {
  const parts = DATE_TIME.exec(value.toLowerCase())
  if (parts === null) return false
  const [year = 0, month = 0, day = 0] = parts.slice(1, 4).map(Number)
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0)
  return day >= 1 && day <= days
}

/** One complaint about a text is enough: the server stops at the first. */
const checkText = (value: string, schema: Structural, path: string): Causes => {
  const { maxLength, minLength, pattern } = schema
  const length = maxLength === undefined && minLength === undefined ? 0 : Array.from(value).length
  if (maxLength !== undefined && length > maxLength) return [tooLong(path, maxLength)]
  if (minLength !== undefined && length < minLength) {
    return [invalid(path, value, `${path} in body should be at least ${minLength} chars long`)]
  }
  if (pattern !== undefined && !re2(pattern).test(value)) {
    return [invalid(path, value, `${path} in body should match '${pattern}'`)]
  }
  return schema.format === "date-time" && !isDateTime(value) ? [formatInvalid(path, value, "date-time")] : []
}

const checkList = (value: ReadonlyArray<unknown>, schema: Structural, path: string): Causes => {
  const { items, maxItems, minItems } = schema
  const causes = items === undefined ? [] : value.flatMap((item, index) => check(item, items, `${path}[${index}]`))
  if (minItems !== undefined && value.length < minItems) {
    causes.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`))
  }
  if (maxItems !== undefined && value.length > maxItems) causes.push(tooMany(path, value.length, maxItems))
  return causes
}

const checkObject = (value: Readonly<Record<string, unknown>>, schema: Structural, path: string): Causes => {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`)
  const { additionalProperties, maxProperties, minProperties, properties = {} } = schema
  const size = Object.keys(value).length
  const causes: Array<Cause> = []
  if (minProperties !== undefined && size < minProperties) {
    causes.push(invalid(path, size, `${path} in body should have at least ${minProperties} properties`))
  }
  if (maxProperties !== undefined && size > maxProperties) causes.push(tooMany(path, size, maxProperties))
  for (const [name, child] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known !== undefined) causes.push(...check(child, known, at(name)))
  }
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name))
  return [...causes, ...missing.map((name) => required(at(name)))]
}

export const check = (value: unknown, schema: Structural, path: string): Array<Cause> => {
  const causes = [...checkType(value, schema, path)]
  if (value === null) return causes
  if (typeof value === "string") causes.push(...checkText(value, schema, path))
  if (typeof value === "number") causes.push(...checkNumber(value, schema, path))
  if (Array.isArray(value)) causes.push(...checkList(value, schema, path))
  if (schema.enum !== undefined && !schema.enum.includes(value)) causes.push(notSupported(path, value, schema.enum))
  if (isObject(value)) causes.push(...checkObject(value, schema, path))
  return causes
}

/** Keys of lists that are maps: each only once. */
export const checkListKeys = (value: unknown, schema: Structural, path: string): ReadonlyArray<Cause> => {
  if (isObject(value)) {
    return Object.entries(value).flatMap(([name, child]) => {
      const known = schema.properties?.[name]
      const { additionalProperties } = schema
      if (known !== undefined) return checkListKeys(child, known, path === "" ? name : `${path}.${name}`)
      return additionalProperties === undefined ? [] : checkListKeys(child, additionalProperties, `${path}[${name}]`)
    })
  }
  if (!Array.isArray(value)) return []
  const { items } = schema
  const within =
    items === undefined ? [] : value.flatMap((item, index) => checkListKeys(item, items, `${path}[${index}]`))
  return [...listKeys(value, schema, path), ...within]
}

const listKeys = (value: ReadonlyArray<unknown>, schema: Structural, path: string): ReadonlyArray<Cause> => {
  const [key] = schema["x-kubernetes-list-map-keys"] ?? []
  if (schema["x-kubernetes-list-type"] !== "map" || key === undefined) return []
  const strange = value.findIndex((item) => item !== null && !isObject(item))
  if (strange >= 0) {
    return [invalid(`${path}[${strange}]`, value[strange], "must be an object for an array of list-type map")]
  }
  const keys = value.map((item) => (isObject(item) && Object.hasOwn(item, key) ? { [key]: item[key] } : {}))
  const texts = keys.map((each) => JSON.stringify(each))
  // The second of equals is named, and no third.
  return keys.flatMap((each, index) =>
    texts.slice(0, index).filter((text) => text === texts[index]).length === 1
      ? [duplicate(`${path}[${index}]`, each)]
      : []
  )
}
