/**
 * An Effect Schema as a structural schema of Kubernetes (OpenAPI 3.0 with its restrictions). What cannot be said there
 * is a defect of the schema, found when the CRDs are generated and never by a user.
 */
import * as Schema from "effect/Schema"
import { HOLE } from "#schemas/crd/Crd/plugs"
import type { Hole } from "#schemas/crd/Crd/plugs"

export interface ValidationRule {
  readonly rule: string
  readonly message: string
  readonly fieldPath?: string
}

/** The keywords that we use, in the order in which they are written. */
export interface Structural {
  readonly description?: string
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean"
  readonly format?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly default?: unknown
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly exclusiveMinimum?: boolean
  readonly maximum?: number
  readonly exclusiveMaximum?: boolean
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly required?: ReadonlyArray<string>
  readonly properties?: Readonly<Record<string, Structural>>
  readonly additionalProperties?: Structural
  readonly items?: Structural
  readonly "x-kubernetes-int-or-string"?: true
  readonly "x-kubernetes-preserve-unknown-fields"?: true
  readonly "x-kubernetes-list-type"?: string
  readonly "x-kubernetes-map-type"?: string
  readonly "x-kubernetes-list-map-keys"?: ReadonlyArray<string>
  readonly "x-kubernetes-validations"?: ReadonlyArray<ValidationRule>
}

/** What fills a hole: each plug's name on the wire with the schema of its options. */
export type FillHole = (hole: Hole) => ReadonlyArray<readonly [name: string, options: Schema.Constraint]>

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const objects = (value: unknown): ReadonlyArray<Json> => (Array.isArray(value) ? value.filter(isJson) : [])

const COPIED = [
  "description",
  "type",
  "format",
  "enum",
  "default",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "required",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations"
]

const TRANSLATED = new Set([
  "allOf",
  "anyOf",
  "const",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "properties",
  "additionalProperties",
  "items",
  "not",
  HOLE
])

/** A keyword that says nothing: no rule at all, or what every integer of JSON fits anyway. */
const isTrivial = (keyword: string, value: unknown): boolean =>
  (keyword === "minimum" && value === Number.MIN_SAFE_INTEGER) ||
  (keyword === "maximum" && value === Number.MAX_SAFE_INTEGER) ||
  (Array.isArray(value) && value.length === 0)

/** JavaScript escapes a slash in the source of a pattern; nobody else has to read that. */
const plain = (keyword: string, value: unknown): unknown =>
  keyword === "pattern" && typeof value === "string" ? value.replaceAll("\\/", "/") : value

/** Checks that the exporter could not put beside their type; two that say the same differently have no place. */
const flatten = (node: Json, path: string): Json => {
  const { allOf, ...own } = node
  return objects(allOf).reduce<Json>((merged, part) => {
    const flat = flatten(part, path)
    const clash = Object.keys(flat).find(
      (key) => key !== "type" && key !== "additionalProperties" && key in merged && merged[key] !== flat[key]
    )
    if (clash !== undefined) throw new Error(`${path}: two checks both say ${clash}`)
    return { ...flat, ...merged }
  }, own)
}

const EXACTLY_ONE = (names: ReadonlyArray<string>): ValidationRule => ({
  rule: `[${names.map((name) => `has(self.${name})`).join(", ")}].exists_one(given, given)`,
  message: `name exactly one of ${names.join(", ")}`
})

const withRules = (schema: Structural, rules: ReadonlyArray<ValidationRule>): Structural =>
  rules.length === 0
    ? schema
    : { ...schema, "x-kubernetes-validations": [...(schema["x-kubernetes-validations"] ?? []), ...rules] }

const isHole = (value: unknown): value is Hole => isJson(value) && typeof value["registry"] === "string"

/** The options of a plug beside the object's own fields, which win. */
const merge = (own: Structural, options: Structural): Structural => {
  const properties = { ...own.properties, ...options.properties, ...own.properties }
  const required = [...(own.required ?? []), ...(options.required ?? [])]
  const { description: _, ...rest } = options
  return withRules(
    {
      ...rest,
      ...own,
      ...(required.length === 0 ? {} : { required }),
      ...(Object.keys(properties).length === 0 ? {} : { properties })
    },
    own["x-kubernetes-validations"] === undefined ? [] : (options["x-kubernetes-validations"] ?? [])
  )
}

const fill = (schema: Structural, hole: Hole, plugs: FillHole): Structural => {
  const filled = plugs(hole).map(([name, options]) => [name, toStructural(options, plugs)] as const)
  if (hole.optionsOf !== undefined) return merge(schema, filled[0]?.[1] ?? {})
  const properties = { ...schema.properties, ...Object.fromEntries(filled) }
  // Where the plugs have names of their own, a field of the kind says which one it is.
  const rules = hole.names === undefined && filled.length > 0 ? [EXACTLY_ONE(filled.map(([name]) => name))] : []
  return withRules({ ...schema, properties }, rules)
}

/** A union of shapes that no structural schema can tell apart: the plug that owns it checks it when it is bound. */
const preserving = (schema: Structural): Structural => {
  const { type: _, ...rest } = schema
  return { ...rest, "x-kubernetes-preserve-unknown-fields": true }
}

const fromUnion = (schema: Structural, members: ReadonlyArray<Json>, path: string): Structural => {
  if (schema["x-kubernetes-int-or-string"] === true) {
    const text = members.find((member) => member["type"] === "string") ?? {}
    const { description: _, type: __, ...checks } = copy(flatten(text, path), path)
    const { type: ___, ...rest } = schema
    return { ...rest, ...checks }
  }
  const values = members.flatMap((member) =>
    "const" in member ? [member["const"]] : Array.isArray(member["enum"]) ? member["enum"] : []
  )
  return members.every((member) => "const" in member || "enum" in member) && values.every((v) => typeof v === "string")
    ? { ...schema, type: "string", enum: values }
    : preserving(schema)
}

const copy = (node: Json, path: string): Structural => {
  const unknown = Object.keys(node).find((key) => !COPIED.includes(key) && !TRANSLATED.has(key))
  if (unknown !== undefined) throw new Error(`${path}: ${unknown} has no place in a structural schema`)
  const copied: Record<string, unknown> = Object.fromEntries(
    COPIED.filter((key) => key in node && !isTrivial(key, node[key])).map((key) => [key, plain(key, node[key])])
  )
  for (const side of ["Minimum", "Maximum"] as const) {
    const bound = node[`exclusive${side}`]
    if (typeof bound === "number") {
      copied[side.toLowerCase()] = bound
      copied[`exclusive${side}`] = true
    }
  }
  if ("const" in node) {
    copied["type"] = typeof node["const"]
    copied["enum"] = [node["const"]]
  }
  return copied
}

const fromNode = (input: Json, path: string, plugs: FillHole): Structural => {
  const node = flatten(input, path)
  const own = copy(node, path)
  const hole = node[HOLE]
  if (isJson(node["anyOf"]) || Array.isArray(node["anyOf"])) return fromUnion(own, objects(node["anyOf"]), path)
  // What the exporter makes of a struct without fields.
  if ("not" in node) return { ...own, type: "object" }
  const { additionalProperties, items, properties } = node
  const structure: Structural = {
    ...own,
    ...(isJson(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, child]) => [
              name,
              fromNode(isJson(child) ? child : {}, `${path}.${name}`, plugs)
            ])
          )
        }
      : {}),
    ...(isJson(items) ? { items: fromNode(items, `${path}[]`, plugs) } : {})
  }
  if (isHole(hole)) return fill(structure, hole, plugs)
  if (structure.type === "object" && structure.properties === undefined) {
    return isJson(additionalProperties) && Object.keys(additionalProperties).length > 0
      ? { ...structure, additionalProperties: fromNode(additionalProperties, `${path}.*`, plugs) }
      : preserving(structure)
  }
  return structure.type === undefined && structure["x-kubernetes-int-or-string"] === undefined
    ? preserving(structure)
    : structure
}

/** The encoded side of a schema, as it stands on the wire. */
export const toStructural = (schema: Schema.Constraint, plugs: FillHole): Structural => {
  const document = Schema.toJsonSchemaDocument(schema, { includeAnnotationKey: (key) => key.startsWith("x-") })
  const named = Object.keys(document.definitions)
  if (named.length > 0) throw new Error(`a structural schema has no references, but ${named.join(", ")} would be one`)
  return fromNode(document.schema as Json, "", plugs)
}
