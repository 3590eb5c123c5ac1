import { assert, describe, it } from "@effect/vitest"
import type { CrdKind } from "#schemas/crd/index"
import { KINDS } from "#schemas/crd/index"
import { objectSchema } from "#manifests/crd"
import { applyDefaults, prune } from "#manifests/defaults"
import { fillHole } from "#manifests/plugs"
import type { Structural } from "#manifests/structural"
import { judgeOf, noMatch, schemaAfter, unknownIn, valueJudge } from "#manifests/validation"
import type { Verdict } from "#manifests/validation"
import { INVALID, VALID } from "#test/manifests/fixtures"

const judges = new Map(KINDS.map((kind) => [kind, judgeOf(kind, fillHole)]))

const judge = (kind: CrdKind, object: unknown): Verdict => {
  const judged = judges.get(kind)?.(object)
  if (judged === undefined) throw new Error(`no judge for ${kind.kind}`)
  return judged
}

const words = (verdict: Verdict): ReadonlyArray<string> => {
  if (verdict._tag === "Accepted") return []
  if (verdict._tag === "BadRequest") return [`BadRequest: ${verdict.message}`]
  return verdict.causes.map(({ field, message, reason }) => `${reason} ${field}: ${message}`).toSorted()
}

describe("an object that the API server refuses", () => {
  it.each(INVALID)("is refused in its words: $name", ({ expected, kind, object }) => {
    assert.isAbove(expected.length, 0)
    assert.deepStrictEqual(words(judge(kind, object)), expected)
  })
})

describe("an object that the API server accepts", () => {
  it.each(VALID)("is accepted: $name", ({ kind, object }) => {
    assert.deepStrictEqual(words(judge(kind, object)), [])
  })

  it.each(VALID)("is accepted again with its defaults in place: $name", ({ kind, object }) => {
    const first = judge(kind, object)
    const again = first._tag === "Accepted" ? judge(kind, first.object) : first
    assert.deepStrictEqual(again, first)
  })
})

describe("an object that follows another", () => {
  const schema: Structural = {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: { size: { type: "integer", maximum: 9 }, pace: { type: "string", default: "slow" } },
        "x-kubernetes-validations": [{ rule: "self.size != 7", message: "seven is too many" }]
      },
      status: { type: "object", properties: { size: { type: "integer", maximum: 9 } } }
    }
  }
  const judgeValues = valueJudge(schema)
  const said = (object: unknown, before?: unknown) => judgeValues(object, before).map(({ field }) => field)

  it("is judged by what it changes, values and rules alike", () => {
    const before = { spec: { size: 10 }, status: { size: 1 } }
    assert.deepStrictEqual(said(before), ["spec.size"])
    assert.deepStrictEqual(said({ ...before, status: { size: 2 } }, before), [])
    assert.deepStrictEqual(said({ ...before, status: { size: 12 } }, before), ["status.size"])
    assert.deepStrictEqual(said({ ...before, spec: { size: 11 } }, before), ["spec.size"])
    const seven = { spec: { size: 7 }, status: { size: 1 } }
    assert.deepStrictEqual(said(seven), ["spec"])
    assert.deepStrictEqual(said({ ...seven, status: { size: 2 } }, seven), [])
    assert.deepStrictEqual(said({ ...seven }, { ...seven, spec: { size: 7 } }), ["spec"])
  })

  it("gets its defaults and loses what nobody knows as if it were alone", () => {
    const stored = { spec: { size: 1, pace: "fast" }, status: { size: 1 } }
    for (const change of [{ status: { size: 2, odd: 1 } }, { spec: { size: 2, odd: 1 } }, { odd: 1 }, {}]) {
      const object = { ...stored, ...change }
      const after = schemaAfter(schema, object, stored)
      assert.deepStrictEqual(applyDefaults(prune(object, after), after), applyDefaults(prune(object, schema), schema))
      assert.deepStrictEqual(unknownIn(object, after), unknownIn(object, schema))
    }
  })
})

describe("the fixtures", () => {
  const said = INVALID.flatMap(({ expected }) => expected).join("\n")

  const messages = (schema: Structural): ReadonlyArray<string> => [
    ...(schema["x-kubernetes-validations"] ?? []).map(({ message }) => message),
    ...Object.values(schema.properties ?? {}).flatMap(messages),
    ...[schema.items, schema.additionalProperties].flatMap((child) => (child === undefined ? [] : messages(child)))
  ]

  it.each(KINDS)("break every rule of $kind", (kind) => {
    const unbroken = new Set(messages(objectSchema(kind, fillHole)).filter((message) => !said.includes(message)))
    assert.deepStrictEqual([...unbroken], [])
  })

  it("show every reason that the server gives", () => {
    for (const reason of ["Invalid", "TypeInvalid", "Required", "NotSupported", "TooLong", "TooMany", "Duplicate"]) {
      assert.include(said, `FieldValue${reason} `)
    }
    assert.include(said, "BadRequest: ")
  })

  it("hold every kind, accepted and refused", () => {
    for (const kind of KINDS) {
      assert.isAbove(VALID.filter((fixture) => fixture.kind === kind).length, 1, kind.kind)
      assert.isAbove(INVALID.filter((fixture) => fixture.kind === kind).length, 2, kind.kind)
    }
  })
})

describe("a whole sentence", () => {
  const [kind] = KINDS
  const object = (spec: unknown, metadata: unknown = { name: "web" }) => ({
    apiVersion: "nimbusguard.io/v1",
    kind: "ScalingPolicy",
    metadata,
    spec
  })
  const message = (given: unknown) => {
    const verdict = kind === undefined ? undefined : judge(kind, given)
    return verdict?._tag === "Accepted" ? "" : verdict?.message
  }
  const target = { kind: "Deployment", name: "web" }

  it("names the object and its one problem", () => {
    assert.strictEqual(
      message(object({ target, interval: "10ms" })),
      'ScalingPolicy.nimbusguard.io "web" is invalid: spec.interval: Invalid value: "10ms": must be between 1s and 1h'
    )
  })

  it("lists several in brackets", () => {
    assert.match(
      message(object({ target, mode: "On", pause: { direction: "Left" } })) ?? "",
      /^ScalingPolicy\.nimbusguard\.io "web" is invalid: \[spec\.mode: .*, spec\.pause\.direction: .*\]$/u
    )
  })

  it("asks for a name, and takes the making of one", () => {
    assert.include(message(object({ target }, {})), "metadata.name: Required value: name or generateName is required")
    assert.strictEqual(message(object({ target }, { generateName: "web-" })), "")
    assert.include(message(object({ target }, { name: "a".repeat(254) })), "must be no more than 253 bytes")
  })

  it("says what is no object at all", () => {
    assert.include(message([]), "cannot be handled as a ScalingPolicy")
    assert.strictEqual(
      noMatch("ScalingPolicy", "nimbusguard.io/v2"),
      'no matches for kind "ScalingPolicy" in version "nimbusguard.io/v2"'
    )
  })
})
