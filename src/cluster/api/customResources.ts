/** A CustomResourceDefinition as the resource that it asks for; one that we could not serve faithfully is refused. */
import { ageText } from "#cluster/api/ages"
import { nameColumn } from "#cluster/api/columns"
import { schemaCauses } from "#cluster/api/judging"
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, listAt, nameOf, objectAt, textAt, valueAt, wordOf } from "#cluster/api/json"
import { invalidObject, unprocessable } from "#cluster/api/Refusal"
import type { Column, Resource, ScalePaths } from "#cluster/api/Resource"
import { METADATA } from "#cluster/api/shapes"
import { invalid } from "#manifests/causes"
import type { Structural } from "#manifests/structural"

const NAMES = { group: "apiextensions.k8s.io", plural: "customresourcedefinitions", kind: "CustomResourceDefinition" }

const path = (from: JsonObject, key: string): string => textAt(from, key).replace(/^\./u, "")

const scaleOf = (subresources: JsonObject): ScalePaths | undefined => {
  const scale = subresources["scale"]
  if (!isObject(scale)) return undefined
  const selector = path(scale, "labelSelectorPath")
  return {
    spec: path(scale, "specReplicasPath"),
    status: path(scale, "statusReplicasPath"),
    ...(selector === "" ? {} : { selector })
  }
}

interface Printer extends Column {
  readonly jsonPath: string
}

const AGE: Printer = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }

/** ".status.conditions[?(@.type=="Ready")].status" is as much of JSONPath as columns use. */
const printed = (object: JsonObject, jsonPath: string): Json | undefined => {
  const filtered = /^\.(?<list>[\w.]+)\[\?\(@\.(?<key>\w+)\s*==\s*["'](?<value>[^"']*)["']\)\]\.(?<rest>[\w.]+)$/u
  const { key = "", list = "", rest = "", value } = filtered.exec(jsonPath)?.groups ?? {}
  if (value === undefined) return valueAt(object, jsonPath.replace(/^\./u, ""))
  const items = valueAt(object, list)
  const found = Array.isArray(items) ? items.find((item: Json) => isObject(item) && item[key] === value) : undefined
  return valueAt(found as Json | undefined, rest)
}

const cell = (object: JsonObject, { jsonPath, type }: Printer, now: number): Json => {
  const value = printed(object, jsonPath)
  if (value === undefined || value === null) return null
  if (type === "date") return ageText(wordOf(value), now)
  return typeof value === "object" ? JSON.stringify(value) : value
}

const printers = (version: JsonObject): ReadonlyArray<Printer> => {
  const given = listAt(version, "additionalPrinterColumns").filter(isObject) as unknown as ReadonlyArray<Printer>
  return given.length === 0 ? [AGE] : given
}

const asColumn = ({ description = "", name, priority = 0, type }: Printer): Column => ({
  name,
  type: type === "date" ? "string" : type,
  format: "",
  description,
  priority
})

/** The metadata is every object's own, whatever the CRD says of it. */
const wholeSchema = (given: Structural): Structural => ({
  ...given,
  properties: { ...given.properties, metadata: METADATA, apiVersion: { type: "string" }, kind: { type: "string" } }
})

/** Two things that CRDs may ask and that would be done wrongly here: rules about changes, and several versions. */
const refuseUnfaithful = (definition: JsonObject, versions: ReadonlyArray<JsonObject>): void => {
  const name = nameOf(definition)
  if (versions.length !== 1) {
    throw unprocessable(
      `${name}: the embedded cluster serves one version of a CRD; use a real cluster for ${versions.length}`
    )
  }
  if (JSON.stringify(versions).includes("oldSelf")) {
    throw unprocessable(
      `${name}: the embedded cluster has no rules about changes (oldSelf); use a real cluster for them`
    )
  }
}

export const resourceOf = (definition: JsonObject): Resource => {
  const spec = objectAt(definition, "spec")
  const names = objectAt(spec, "names")
  const [group, plural, kind] = [textAt(spec, "group"), textAt(names, "plural"), textAt(names, "kind")]
  const versions = listAt(spec, "versions").filter(isObject)
  const name = nameOf(definition)
  if (name !== `${plural}.${group}`) {
    const why = `must be spec.names.plural+"."+spec.group`
    throw invalidObject(NAMES, name, [invalid("metadata.name", name, why)])
  }
  refuseUnfaithful(definition, versions)
  const [version = {}] = versions
  const subresources = objectAt(version, "subresources")
  const given = valueAt(version, "schema.openAPIV3Schema")
  if (!isObject(given))
    throw unprocessable(`${name}: spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required`)
  const schema = wholeSchema(given as unknown as Structural)
  const columns = printers(version)
  return {
    group,
    version: textAt(version, "name"),
    kind,
    plural,
    singular: textAt(names, "singular") || kind.toLowerCase(),
    shortNames: listAt(names, "shortNames").map(String),
    categories: listAt(names, "categories").map(String),
    namespaced: spec["scope"] === "Namespaced",
    status: isObject(subresources["status"]),
    scale: scaleOf(subresources),
    generation: true,
    custom: true,
    schema,
    judge: judged(name, schema),
    selectable: listAt(version, "selectableFields").map((field) => (isObject(field) ? path(field, "jsonPath") : "")),
    columns: [nameColumn, ...columns.map(asColumn)],
    row: (object, now) => [nameOf(object), ...columns.map((one) => cell(object, one, now))]
  }
}

const judged = (name: string, schema: Structural) => {
  try {
    return schemaCauses(schema)
  } catch (error) {
    throw unprocessable(`${name}: a rule does not compile: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The status that a real server reaches within a second or two. */
export const establishedStatus = (definition: JsonObject, now: string): JsonObject => {
  const holds = (type: string, reason: string, message: string) => ({
    type,
    status: "True",
    lastTransitionTime: now,
    reason,
    message
  })
  const spec = objectAt(definition, "spec")
  return {
    acceptedNames: objectAt(spec, "names"),
    storedVersions: listAt(spec, "versions").map((one) => (isObject(one) ? textAt(one, "name") : "")),
    conditions: [
      holds("NamesAccepted", "NoConflicts", "no conflicts found"),
      holds("Established", "InitialNamesAccepted", "the initial names have been accepted")
    ]
  }
}

export const definitionName = (resource: Pick<Resource, "group" | "plural">): string =>
  `${resource.plural}.${resource.group}`
