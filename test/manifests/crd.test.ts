import { assert, describe, it } from "@effect/vitest"
import { KINDS } from "#schemas/crd/index"
import { crdName, definitionOf, VERSION_ANNOTATION } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import type { Structural } from "#manifests/structural"
import { VERSION_ANNOTATION as installed } from "#services/crdInstallation"

const definitions = KINDS.map((kind) => ({ kind, definition: definitionOf(kind, "1.2.3", fillHole) }))

/** Every schema below one, by its path. */
const walk = (schema: Structural, path: string): ReadonlyArray<readonly [path: string, schema: Structural]> => [
  [path, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => walk(child, `${path}.${name}`)),
  ...(schema.items === undefined ? [] : walk(schema.items, `${path}[]`)),
  ...(schema.additionalProperties === undefined ? [] : walk(schema.additionalProperties, `${path}.*`))
]

describe.each(definitions)("the CRD of $kind.kind", ({ definition, kind }) => {
  const [version] = definition.spec.versions
  const root = version.schema.openAPIV3Schema
  const all = walk(root, "")

  it("is called as kubectl asks for it, and carries the version that made it", () => {
    assert.strictEqual(definition.metadata.name, `${kind.plural}.${kind.group}`)
    assert.strictEqual(definition.metadata.name, crdName(kind))
    assert.strictEqual(definition.metadata.annotations[VERSION_ANNOTATION], "1.2.3")
    assert.strictEqual(VERSION_ANNOTATION, installed)
  })

  it("is namespaced, with a status that only its own endpoint writes", () => {
    assert.strictEqual(definition.spec.scope, "Namespaced")
    assert.deepStrictEqual(version.subresources, { status: {} })
  })

  it("describes every field in a sentence", () => {
    const silent = all
      .filter(([path]) => path !== ".metadata" && !path.endsWith("[]") && !path.endsWith(".*"))
      .filter(([, { description = "" }]) => !/^\S.{9,}[.:)]$/su.test(description.replace(/"$/u, ".")))
    assert.deepStrictEqual(
      silent.map(([path, { description }]) => [path, description]),
      []
    )
  })

  it("has a type everywhere, or says why not", () => {
    const loose = all.filter(
      ([, schema]) =>
        schema.type === undefined &&
        schema["x-kubernetes-int-or-string"] !== true &&
        schema["x-kubernetes-preserve-unknown-fields"] !== true
    )
    assert.deepStrictEqual(
      loose.map(([path]) => path),
      []
    )
  })

  it("bounds every text, list and map of the spec, so that rules stay cheap and objects small", () => {
    const unbounded = walk(root.properties?.["spec"] ?? {}, "spec").filter(
      ([, { additionalProperties, enum: words, maxItems, maxLength, maxProperties, type }]) =>
        (type === "string" && words === undefined && maxLength === undefined) ||
        (type === "array" && maxItems === undefined) ||
        (additionalProperties !== undefined && maxProperties === undefined)
    )
    assert.deepStrictEqual(
      unbounded.map(([path]) => path),
      []
    )
  })

  it("points its columns at fields that exist", () => {
    const paths = new Set(all.map(([path]) => path))
    for (const { jsonPath, name } of version.additionalPrinterColumns) {
      const field = jsonPath.replace(/\[\?.*?\]/u, "[]")
      assert.isTrue(field === ".metadata.creationTimestamp" || paths.has(field), `${name}: ${field}`)
    }
  })

  it("points its rules at fields that exist, and says what to change", () => {
    for (const [path, schema] of all) {
      for (const { fieldPath, message } of schema["x-kubernetes-validations"] ?? []) {
        assert.isAbove(message.length, 10)
        if (fieldPath === undefined) continue
        const end = fieldPath
          .split(".")
          .slice(1)
          .reduce<Structural | undefined>((at, name) => at?.properties?.[name], schema)
        assert.isDefined(end, `${path}${fieldPath}`)
      }
    }
  })

  it("merges conditions by type", () => {
    const conditions = root.properties?.["status"]?.properties?.["conditions"]
    assert.strictEqual(conditions?.["x-kubernetes-list-type"], "map")
    assert.deepStrictEqual(conditions?.["x-kubernetes-list-map-keys"], ["type"])
  })

  it("stays below what kubectl can keep in an annotation", () => {
    assert.isBelow(JSON.stringify(definition).length, 262_144)
  })
})
