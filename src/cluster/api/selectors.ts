/** Label and field selectors of a request, as predicates; what cannot be read is refused in the server's words. */
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, objectAt, textAt, valueAt, wordOf } from "#cluster/api/json"
import { badRequest } from "#cluster/api/Refusal"
import type { Resource } from "#cluster/api/Resource"

export type Predicate = (object: JsonObject) => boolean

const KEY = "[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
const VALUE = "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
const SET = new RegExp(`^(?<key>${KEY})\\s+(?<operator>in|notin)\\s*\\((?<values>[^()]*)\\)$`, "u")
const COMPARED = new RegExp(`^(?<key>${KEY})\\s*(?<operator>==|=|!=|>|<)\\s*(?<value>${VALUE})$`, "u")
const PRESENT = new RegExp(`^(?<not>!?)\\s*(?<key>${KEY})$`, "u")

type LabelTest = (value: string | undefined) => boolean

const compared = (operator: string, wanted: string): LabelTest => {
  if (operator === ">") return (value) => Number(value) > Number(wanted)
  if (operator === "<") return (value) => Number(value) < Number(wanted)
  return operator === "!=" ? (value) => value !== wanted : (value) => value === wanted
}

const labelTerm = (term: string): readonly [key: string, test: LabelTest] => {
  const set = SET.exec(term)?.groups
  if (set !== undefined) {
    const values = new Set((set["values"] ?? "").split(",").map((value) => value.trim()))
    const within: LabelTest = (value) => value !== undefined && values.has(value)
    return [set["key"] ?? "", set["operator"] === "in" ? within : (value) => !within(value)]
  }
  const comparison = COMPARED.exec(term)?.groups
  if (comparison !== undefined) {
    return [comparison["key"] ?? "", compared(comparison["operator"] ?? "", comparison["value"] ?? "")]
  }
  const presence = PRESENT.exec(term)?.groups
  if (presence !== undefined) {
    return [presence["key"] ?? "", (value) => (value === undefined) === (presence["not"] === "!")]
  }
  throw badRequest(`unable to parse requirement: ${term}`)
}

const termsOf = (text: string): ReadonlyArray<string> =>
  text
    .split(/,(?![^()]*\))/u)
    .map((term) => term.trim())
    .filter((term) => term !== "")

export const labelsMatch = (text: string): Predicate => {
  const tests = termsOf(text).map(labelTerm)
  return (object) => {
    const labels = objectAt(metadataOf(object), "labels")
    return tests.every(([key, test]) => test(Object.hasOwn(labels, key) ? textAt(labels, key) : undefined))
  }
}

/** An absent value is the empty text, or false where the selector asks for a boolean. */
const fieldText = (value: Json | undefined, wanted: string): string =>
  value === undefined ? (wanted === "false" ? "false" : "") : wordOf(value)

export const fieldsMatch = (text: string, resource: Resource): Predicate => {
  const known = ["metadata.name", ...(resource.namespaced ? ["metadata.namespace"] : []), ...resource.selectable]
  const tests = termsOf(text).map((term) => {
    const [, path = "", operator, wanted = ""] = /^([^!=]+?)(==|=|!=)(.*)$/u.exec(term) ?? []
    if (operator === undefined) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
    if (!known.includes(path)) throw badRequest(`field label not supported: ${path}`)
    return (object: JsonObject) => (fieldText(valueAt(object, path), wanted) === wanted) === (operator !== "!=")
  })
  return (object) => tests.every((test) => test(object))
}

/** A selector in the form that objects hold it, as the text that /scale shows. */
export const selectorText = (selector: Json | undefined): string => {
  if (typeof selector === "string") return selector
  if (!isObject(selector)) return ""
  // Services have nothing but the labels themselves.
  const labels = isObject(selector["matchLabels"]) ? selector["matchLabels"] : {}
  const exact = Object.keys(labels)
    .sort()
    .map((key) => `${key}=${textAt(labels, key)}`)
  const expressions = listAt(selector, "matchExpressions")
    .filter(isObject)
    .map((one) => {
      const [key, operator] = [textAt(one, "key"), textAt(one, "operator")]
      if (operator === "Exists") return key
      if (operator === "DoesNotExist") return `!${key}`
      const values = listAt(one, "values").map(String).sort().join(",")
      return `${key} ${operator === "In" ? "in" : "notin"} (${values})`
    })
  return [...exact, ...expressions].join(",")
}
