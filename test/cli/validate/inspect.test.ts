import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { inspector } from "#cli/validate/inspect"
import { INVALID, VALID } from "#test/manifests/fixtures"

const inspect = inspector()

const policy = (spec: string, head = "apiVersion: nimbusguard.io/v1\nkind: ScalingPolicy") =>
  `${head}\nmetadata: {name: web, namespace: shop}\nspec:\n  target: {kind: Deployment, name: web}\n${spec}`

describe("validating a file", () => {
  it.each(VALID)("accepts $name", ({ path }) => {
    const inspections = inspect("f.yaml", readFileSync(path, "utf8"))
    assert.isAbove(inspections.length, 0)
    for (const { problems, verdict } of inspections) assert.deepStrictEqual([verdict, problems.length], ["accepted", 0])
  })

  it.each(INVALID)("refuses $name for the API server, with a path and a sentence", ({ path }) => {
    const [only] = inspect("f.yaml", readFileSync(path, "utf8"))
    assert.deepInclude(only, { verdict: "refused", by: "apiserver" })
    for (const { message } of only?.problems ?? []) assert.isAbove(message.length, 5)
  })

  it("says what the operator would not run, though the server stores it", () => {
    const [only] = inspect("f.yaml", policy("  schedules: [{name: a, start: 0 25 * * *, end: 0 26 * * *, floor: 1}]"))
    assert.deepInclude(only, { verdict: "refused", by: "operator", namespace: "shop", name: "web" })
    assert.deepInclude(only?.problems[0], { path: "spec.schedules[0].start", reason: "InvalidSpec" })
  })

  it("says what a plug would not take, though the server stores it", () => {
    const signal = "{name: a, prometheus: {query: up, headers: {Host: x}}, target: {type: Value, value: 1}}"
    const [only] = inspect("f.yaml", policy(`  signals: [${signal}]`))
    assert.deepInclude(only, { verdict: "refused", by: "operator" })
    assert.strictEqual(only?.problems[0]?.reason, "InvalidOptions")
  })

  it("notes what is accepted and should be known: credentials, and what is not built", () => {
    const redis = "{name: q, redis: {host: r, queueName: q, password: hunter2}, target: {type: Value, value: 1}}"
    const [only] = inspect("f.yaml", policy(`  signals: [${redis}]`))
    assert.strictEqual(only?.verdict, "accepted")
    assert.isTrue(only?.findings.some(({ reason }) => reason === "InlineSecret"))
    assert.notInclude(JSON.stringify(only), "hunter2")
  })

  it("looks into lists and over other people's objects, and counts neither twice", () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n- ${JSON.stringify(
      { apiVersion: "nimbusguard.io/v1", kind: "ScalingPolicy", metadata: { name: "a" }, spec: {} }
    )}\n`
    assert.deepStrictEqual(
      inspect("f.yaml", list).map(({ kind, verdict }) => [kind, verdict]),
      [
        ["ConfigMap", "skipped"],
        ["ScalingPolicy", "refused"]
      ]
    )
  })

  it("takes a version that no server of ours serves for a mistake", () => {
    const [only] = inspect("f.yaml", policy("", "apiVersion: nimbusguard.io/v2\nkind: ScalingPolicy"))
    assert.deepInclude(only?.problems[0], {
      message: 'no matches for kind "ScalingPolicy" in version "nimbusguard.io/v2"'
    })
  })

  it.each([
    { title: "a text", text: "hello", line: 1 },
    { title: "an object of no kind", text: "a: 1", line: 1 },
    { title: "half a list", text: "---\na: [1", line: 2 },
    { title: "a field twice", text: "a: 1\na: 2", line: 2 }
  ])("refuses $title, and says where", ({ line, text }) => {
    const [only] = inspect("f.yaml", text)
    assert.deepInclude(only, { verdict: "refused", by: "file", line })
  })

  it("never throws, whatever it is given", () => {
    const odd = [
      "null",
      "[]",
      "- 1\n- 2",
      "!!binary aGk=",
      "? [a]\n: b",
      "&a [*a]",
      "%YAML 9",
      "\u0000",
      "kind: List\nitems: x"
    ]
    for (const text of odd) assert.isArray(inspect("f.yaml", text))
  })
})
