// Any value of any kind's wire schema, holes filled with any options of any plug: it is bound or refused with a listed
// reason, it never throws, and what the API server would store is never refused for its shape.
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ENGINES } from "#engines/index"
import { fillHole } from "#manifests/plugs"
import { judgeOf } from "#manifests/validation"
import { bind } from "#operator/bind"
import type { BoundSignal } from "#operator/bind"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import type { CrdKind } from "#schemas/crd/Crd"
import { KINDS } from "#schemas/crd/index"
import { Policy, Refusal } from "#schemas/Policy"
import type { Signal } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { bindSource, SOURCES } from "#sources/index"
import { objectOf } from "#test/schemas/crd/objects"

type Json = Readonly<Record<string, unknown>>
type Named = readonly [name: string, options: unknown]

const encoded = (schema: Schema.Constraint) => Arbitrary.schema(Schema.toEncoded(schema) as Schema.Codec<unknown>)

/** Any one plug of a registry with any options of its own. */
const anyOf = (plugs: ReadonlyArray<readonly [string, Schema.Constraint]>): Arbitrary.Arbitrary<Named> =>
  encoded(Schema.Union(plugs.map(([name, options]) => Schema.Struct({ name: Schema.tag(name), options })))).pipe(
    Arbitrary.map((value): Named => {
      const { name, options } = value as { readonly name: string; readonly options: unknown }
      return [name, options]
    })
  )

const source = anyOf(Object.entries(SOURCES).map(([name, { options }]) => [name, options]))
const engine = anyOf(Object.entries(ENGINES).map(([name, { options }]) => [name, options]))
const nats = encoded(SOURCES.nats.options)

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** Only the item's own fields, and the plug whose turn it is. */
const plug = (item: unknown, own: ReadonlyArray<string>, [name, options]: Named): Json => ({
  ...Object.fromEntries(Object.entries(isJson(item) ? item : {}).filter(([field]) => own.includes(field))),
  [name]: options
})

const SIGNAL = ["name", "target", "role", "onEmpty", "onMissing", "maxSampleAge"]
const METRIC = ["type", "targetValue", "targetType"]
const METRIC_NAMES: Readonly<Record<string, string>> = { http: "custom" }

const RULE = [
  ..."deploymentName namespace minReplicas maxReplicas scaleUpThreshold scaleDownThreshold".split(" "),
  ..."pollIntervalSeconds messagesPerReplica mode pause".split(" ")
]

/** What stands in the holes: one source and one engine for the first item, others for the rest, and NATS by itself. */
type Plugged = readonly [Named, Named, Named, Named, unknown]

/** The same spec with every hole filled. */
const fill = (kind: CrdKind, spec: unknown, [first, second, engine, other, nats]: Plugged): unknown => {
  if (!isJson(spec)) return spec
  const items = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
  switch (kind.kind) {
    case "ScalingPolicy":
      return {
        ...spec,
        ...("signals" in spec
          ? { signals: items(spec["signals"]).map((item, index) => plug(item, SIGNAL, index === 0 ? first : second)) }
          : {}),
        ...("engines" in spec
          ? { engines: items(spec["engines"]).map((item, index) => plug(item, [], index === 0 ? engine : other)) }
          : {}),
        ...("aiConfig" in spec ? { aiConfig: { forecast: {}, advisor: {} } } : {})
      }
    case "GeneralScaler": {
      const type = METRIC_NAMES[first[0]] ?? first[0]
      return { ...spec, metric: { ...plug(spec["metric"], METRIC, [type, first[1]]), type } }
    }
    case "ScalingRule":
      return {
        ...Object.fromEntries(Object.entries(spec).filter(([name]) => RULE.includes(name))),
        ...(isJson(nats) ? nats : {})
      }
    default:
      return spec
  }
}

const plugs = {
  signal: (signal: Signal): Result.Result<BoundSignal, Refusal> =>
    Result.map(bindSource(signal), ({ built }) => ({
      signal,
      built,
      sample: () => Effect.succeed(missing("NotGiven", "A test samples nothing."))
    }))
}

const isPolicy = Schema.is(Policy)
const isRefusal = Schema.is(Refusal)

const OPTIONS = { arbitrary: { runs: 200, maxDiscards: 20_000 } }

describe.each(KINDS)("any $kind", (kind) => {
  const judge = judgeOf(kind, fillHole)
  const all = [encoded(kind.wire), source, source, engine, engine, nats] as const
  const objects = (values: ReadonlyArray<unknown>) => {
    const [spec, ...plugged] = values as readonly [unknown, ...Plugged]
    return objectOf(kind, fill(kind, spec, plugged))
  }

  it.prop(
    "is bound, or refused with a listed reason and a sentence",
    [...all],
    (values) => {
      const object = objects(values)
      const verdict = judge(object)
      const decoded = kind.decode(verdict._tag === "Accepted" ? verdict.object : object, DECODE_SETTINGS)
      const bound = Result.flatMap(decoded, (policy) => {
        assert.isTrue(isPolicy(policy), JSON.stringify(policy))
        assert.isAtMost(policy.bounds.min, policy.bounds.max)
        assert.isAbove(policy.intervalMillis, 0)
        return bind(plugs, policy)
      })
      if (Result.isSuccess(bound)) return
      for (const refusal of bound.failure) {
        assert.isTrue(isRefusal(refusal), JSON.stringify(refusal))
        assert.isAbove(refusal.path.length, 0)
        assert.isAbove(refusal.message.length, 5)
      }
    },
    OPTIONS
  )

  it.prop(
    "that the API server would store has the shape that decoding expects",
    [...all],
    (values) => {
      const verdict = judge(objects(values))
      if (verdict._tag !== "Accepted") return
      const { spec } = verdict.object as { readonly spec: unknown }
      const shape = Schema.decodeUnknownResult(kind.wire as Schema.Codec<unknown>)(spec)
      assert.isTrue(Result.isSuccess(shape), JSON.stringify(spec))
    },
    OPTIONS
  )
})
