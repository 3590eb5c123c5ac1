/**
 * An API server's verdict about one object, without an API server: unknown fields, defaults, values, then rules, with
 * its words. It judges the creation of an object; rules about changes we have none.
 */
import type { CrdKind } from "#schemas/crd/Crd"
import { blocksRules, invalid, isObject, required, RULES_UNCHECKED } from "#manifests/causes"
import type { Cause } from "#manifests/causes"
import { ruleChecker } from "#manifests/cel"
import { check, checkListKeys } from "#manifests/constraints"
import { objectSchema } from "#manifests/crd"
import { applyDefaults, unknownFields } from "#manifests/defaults"
import type { FillHole, Structural } from "#manifests/structural"

export type Verdict =
  /** With the defaults that the server would store. */
  | { readonly _tag: "Accepted"; readonly object: unknown }
  | { readonly _tag: "Invalid"; readonly message: string; readonly causes: ReadonlyArray<Cause> }
  /** Refused before anybody looked at the values. */
  | { readonly _tag: "BadRequest"; readonly message: string }

const METADATA_FIELDS: ReadonlySet<string> = new Set([
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields"
])

const SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
const NAME_RULE = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`

export const nameCauses = (metadata: Readonly<Record<string, unknown>>): ReadonlyArray<Cause> => {
  const { generateName, name } = metadata
  if (name === undefined || name === "") {
    return generateName === undefined ? [required("metadata.name", "name or generateName is required")] : []
  }
  if (typeof name !== "string") return []
  if (name.length > 253) return [invalid("metadata.name", name, "must be no more than 253 bytes")]
  return new RegExp(`^${SUBDOMAIN}$`, "u").test(name) ? [] : [invalid("metadata.name", name, NAME_RULE)]
}

const causeText = ({ field, message }: Cause): string => `${field}: ${message}`

export const invalidMessage = (
  kind: { readonly kind: string; readonly group: string },
  name: unknown,
  causes: ReadonlyArray<Cause>
): string => {
  const [first, ...others] = causes.map(causeText)
  const list = others.length === 0 ? first : `[${[first, ...others].join(", ")}]`
  const what = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`
  return `${what} "${typeof name === "string" ? name : ""}" is invalid: ${list}`
}

export const cannotBeHandled = (kind: { readonly kind: string; readonly version: string }, why: string): string =>
  `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`

const badRequest = (kind: CrdKind, why: string): Verdict => ({
  _tag: "BadRequest",
  message: cannotBeHandled(kind, why)
})

/** What no schema of the kind knows, in the server's order. */
export const unknownIn = (object: Readonly<Record<string, unknown>>, schema: Structural): ReadonlyArray<string> => {
  const metadata = isObject(object["metadata"]) ? Object.keys(object["metadata"]) : []
  return [
    ...metadata
      .filter((name) => !METADATA_FIELDS.has(name))
      .map((name) => `metadata.${name}`)
      .toSorted(),
    ...unknownFields({ ...object, metadata: undefined }, schema).toSorted()
  ]
}

const ANYTHING: Structural = { "x-kubernetes-preserve-unknown-fields": true }

const isKept = (object: unknown, before: unknown, name: string): boolean =>
  isObject(object) && isObject(before) && object[name] !== undefined && object[name] === before[name]

/** The schema of an object that follows another one: the very parts that it took over from there were looked at then. */
export const schemaAfter = (schema: Structural, object: unknown, before: unknown): Structural => {
  const { properties = {} } = schema
  const parts = Object.entries(properties)
  if (!parts.some(([name]) => isKept(object, before, name))) return schema
  const left = parts.map(([name, part]) => [name, isKept(object, before, name) ? ANYTHING : part] as const)
  return { ...schema, properties: Object.fromEntries(left) }
}

/**
 * Values first, then rules, where the values leave something to judge. The object has its defaults. What it took over
 * from the one before, which was judged, is not judged again.
 */
export const valueJudge = (schema: Structural): ((object: unknown, before?: unknown) => ReadonlyArray<Cause>) => {
  const checkRules = ruleChecker(schema)
  return (object, before) => {
    const left = schemaAfter(schema, object, before)
    const values = [...check(object, left, ""), ...checkListKeys(object, left, "")]
    if (values.some(blocksRules)) return [...values, RULES_UNCHECKED]
    return [...values, ...checkRules(object, (name) => isKept(object, before, name))]
  }
}

/** The judge of one kind: makes its schema and parses its rules once. */
export const judgeOf = (kind: CrdKind, plugs: FillHole): ((object: unknown) => Verdict) => {
  const schema = objectSchema(kind, plugs)
  const judge = valueJudge(schema)
  return (object) => {
    if (!isObject(object)) return badRequest(kind, "the document is not an object")
    const unknown = unknownIn(object, schema)
    if (unknown.length > 0) {
      return badRequest(kind, `strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(", ")}`)
    }
    const { status: _, ...given } = object
    const metadata = isObject(given["metadata"]) ? given["metadata"] : {}
    const defaulted = applyDefaults(given, schema)
    const causes = [...nameCauses(metadata), ...judge(defaulted)]
    return causes.length === 0
      ? { _tag: "Accepted", object: defaulted }
      : { _tag: "Invalid", message: invalidMessage(kind, metadata["name"], causes), causes }
  }
}

/** What kubectl says of a kind that the cluster does not serve. */
export const noMatch = (kind: string, apiVersion: string): string =>
  `no matches for kind "${kind}" in version "${apiVersion}"`
