import { assert, describe, it } from "vitest"
import { Result, Schema } from "effect"
import { bindSource, SOURCES } from "#sources/index"
import { signal } from "#test/sources/sourceWorld"

const refusal = (source: string, options: unknown) => {
  const bound = bindSource(signal(source, options))
  return Result.isFailure(bound) ? bound.failure : undefined
}

describe("the registry", () => {
  it("calls every source by its own name", () => {
    for (const [key, source] of Object.entries(SOURCES)) assert.strictEqual(source.name, key)
  })

  it.each(Object.values(SOURCES))("binds the example of $name", ({ example, name }) => {
    const bound = bindSource(signal(name, example))
    assert.isTrue(Result.isSuccess(bound), JSON.stringify(bound))
    if (Result.isSuccess(bound)) assert.strictEqual(bound.success.source, name)
  })

  it.each(Object.values(SOURCES))("refuses options that $name does not have", ({ example, name }) => {
    const found = refusal(name, { ...(example as object), thresold: 5 })
    assert.strictEqual(found?.reason, "InvalidOptions")
    assert.strictEqual(found?.path, `signals[load].${name}`)
    assert.include(found?.message, "thresold")
    for (const options of [undefined, null, 42, "x", []]) {
      assert.strictEqual(refusal(name, options)?.reason, "InvalidOptions", JSON.stringify(options))
    }
  })

  it("refuses a source that does not exist, and lists those that do", () => {
    for (const name of ["influxdb", "toString", "__proto__", ""]) {
      const found = refusal(name, {})
      assert.strictEqual(found?.reason, "UnknownSource")
      assert.include(found?.message, "prometheus, resource, nats")
    }
  })

  it("never repeats a value that it refuses: it may be a password", () => {
    for (const [name, options] of [
      ["redis", { host: "h", queueName: "q", password: 5, port: "hunter2" }],
      ["prometheus", { query: "up", serverUrl: "ftp://hunter2", headers: { Authorization: "hunter2\r\n" } }],
      ["http", { url: "hunter2", jsonPath: "hunter2" }]
    ] as const) {
      assert.notInclude(refusal(name, options)?.message, "hunter2")
    }
  })
})

type Json = { readonly [key: string]: Json } | ReadonlyArray<Json> | string | number | boolean | null

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What the API server and a reader of `kubectl explain` would miss. */
const gaps = (schema: Json | undefined, path: string): ReadonlyArray<string> => {
  if (!isObject(schema)) return []
  const { additionalProperties, allOf, description, items, properties, type } = schema
  const own = [
    ...(description === undefined ? [`${path} has no description`] : []),
    ...(allOf === undefined ? [] : [`${path} was annotated after its checks`]),
    ...(type === "string" && schema["maxLength"] === undefined && schema["enum"] === undefined
      ? [`${path} has no maxLength`]
      : []),
    ...(type === "array" && schema["maxItems"] === undefined ? [`${path} has no maxItems`] : []),
    ...(isObject(additionalProperties) && schema["maxProperties"] === undefined
      ? [`${path} has no maxProperties`]
      : []),
    ...(type === "integer" && schema["maximum"] === undefined ? [`${path} has no maximum`] : [])
  ]
  const inner = isObject(properties)
    ? Object.entries(properties).flatMap(([key, one]) => gaps(one, `${path}.${key}`))
    : []
  return [...own, ...inner, ...gaps(items, `${path}[]`), ...gaps(additionalProperties, `${path}{}`)]
}

describe("the options", () => {
  it.each(Object.values(SOURCES))("of $name are described and bounded, each field of them", ({ name, options }) => {
    const { definitions, schema } = Schema.toJsonSchemaDocument(options)
    assert.deepStrictEqual(definitions, {}, "nothing that would become a $ref")
    assert.deepStrictEqual(gaps(schema as Json, name), [])
  })

  it.each(Object.values(SOURCES))("of $name use only patterns that Go reads too", ({ options }) => {
    const text = JSON.stringify(Schema.toJsonSchemaDocument(options).schema)
    for (const [, pattern = ""] of text.matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/gu)) {
      assert.notMatch(pattern, /\\\\u|\(\?[=!<]|\\\\[1-9k]/u, pattern)
    }
  })

  it("say exactly one thing where there are two ways to say it", () => {
    for (const name of ["prometheus", "http"] as const) {
      const { schema } = Schema.toJsonSchemaDocument(SOURCES[name].options, {
        includeAnnotationKey: (key) => key.startsWith("x-kubernetes-")
      })
      assert.match(JSON.stringify(schema), /"rule":"has\(self\.\w+\) != has\(self\.\w+\)"/u)
    }
    assert.include(refusal("prometheus", {})?.message, "exactly one of query and preset")
    assert.include(refusal("prometheus", { query: "up", preset: "istio" })?.message, "exactly one of query and preset")
    assert.include(refusal("http", { url: "http://a" })?.message, "exactly one of jsonPath and jsonPointer")
  })

  it.each([
    [{ "transfer-encoding": "chunked" }, "InvalidOptions"],
    [{ Host: "x" }, "InvalidOptions"],
    [{ "a b": "x" }, "InvalidOptions"],
    [{ a: "b\r\nc: d" }, "InvalidOptions"],
    [{ Authorization: "Bearer token" }, undefined]
  ])("with the headers %j are %s", (headers, expected) => {
    assert.strictEqual(refusal("prometheus", { query: "up", headers })?.reason, expected)
  })
})
