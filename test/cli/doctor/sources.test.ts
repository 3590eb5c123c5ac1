import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { askSources, findingOf, layerNoKubernetes } from "#cli/doctor/sources"
import type { Policy } from "#schemas/Policy"
import { measured } from "#schemas/Reading"
import { vector } from "#test/sources/answers"
import { inTime, NOW, ok, refused, run, signal } from "#test/sources/sourceWorld"
import type { Behaviour } from "#test/sources/sourceWorld"
import { layerCluster, notFound } from "#test/cli/doctor/world"
import { policyOf } from "#test/domain/policies"

const asking = (signals: Policy["signals"], http: Behaviour, intervalMillis = 15_000) =>
  Effect.gen(function* () {
    const { layer } = yield* run({ http: () => http, kubernetes: () => refused({ _tag: "NotFound" }) })
    const asked = askSources(policyOf({ signals, intervalMillis }), false)
    return yield* inTime(asked.pipe(Effect.provide(Layer.merge(layer, layerNoKubernetes("no cluster")))))
  })

const load = signal("prometheus", { serverUrl: "http://prometheus:9090", query: "up" }, { name: "load" })

describe("asking the sources of a policy", () => {
  it.effect("gives each one's reading and how long it took", () =>
    Effect.gen(function* () {
      const [one, two] = yield* asking([load, { ...load, name: "other" }], ok(vector("42")))
      assert.strictEqual(one?.signal, "load")
      assert.deepInclude(one?.reading, { _tag: "Measured", value: 42 })
      assert.strictEqual(one?.latencyMillis, 1)
      assert.strictEqual(two?.signal, "other")
    })
  )

  it.effect("gives up where a tick of the policy would", () =>
    Effect.gen(function* () {
      const [one] = yield* asking([load], "hangs", 2_000)
      assert.deepInclude(one?.reading, { _tag: "Missing", why: "Timeout" })
      assert.strictEqual(one?.latencyMillis, 2_000)
    })
  )

  it.effect("asks what needs no cluster without one, and says of the rest that it is missing", () =>
    Effect.gen(function* () {
      const cpu = signal("resource", { resource: "cpu" }, { name: "cpu" })
      const secret = { ...load, options: { ...(load.options as object), bearerSecret: { name: "a", key: "b" } } }
      const readings = yield* asking([load, cpu, secret], ok(vector("1")))
      assert.deepStrictEqual(
        readings.map(({ reading }) => (reading._tag === "Missing" ? reading.why : reading._tag)),
        ["Measured", "NoPods", "NoSecret"]
      )
    })
  )
})

describe("the pods of the target", () => {
  it.effect("are listed where a source looks at them, as in a tick, and nowhere else", () =>
    Effect.gen(function* () {
      const kafka = signal("kafka", { bootstrapServers: ["127.0.0.1:1"], consumerGroup: "g" }, { name: "lag" })
      const cpu = signal("resource", { resource: "cpu" }, { name: "cpu" })
      const lists = Effect.fnUntraced(function* (one: Policy["signals"][number]) {
        const paths: Array<string> = []
        const { layer } = yield* run({ http: () => ok(vector("1")), kubernetes: () => refused({ _tag: "NotFound" }) })
        const cluster = layerCluster(({ path }) => {
          paths.push(path)
          return notFound
        })
        const asked = askSources(policyOf({ signals: [one] }), true)
        yield* inTime(asked.pipe(Effect.provide(Layer.merge(layer, cluster))))
        return paths.length > 0
      })
      assert.deepStrictEqual([yield* lists(load), yield* lists(cpu), yield* lists(kafka)], [false, true, true])
    })
  )
})

describe("a source's finding", () => {
  const asked = { signal: "load", source: "prometheus", latencyMillis: 12, at: NOW }

  it("is well only with a value, whose age and coverage it tells", () => {
    const whole = findingOf({ ...asked, reading: measured(42, NOW - 30_400) })
    assert.deepInclude(whole, { name: "load (prometheus)", status: "ok", message: "42, 30 s old, asked in 12 ms" })
    assert.include(
      findingOf({ ...asked, reading: measured(1, NOW + 5, 0.5) }).message,
      "1, 0 s old, of 50 % of the pods"
    )
  })

  it("is a failure with the remedy where the value is old or is none", () => {
    const old = { _tag: "Stale", value: 7, at: 0, ageMillis: 400_000, detail: "Too old. Look." } as const
    assert.deepInclude(findingOf({ ...asked, reading: old }), {
      status: "failed",
      message: "7, but 400 s old, asked in 12 ms",
      remedy: "Too old. Look."
    })
    const none = { _tag: "Missing", why: "Empty", detail: "Nothing. Look." } as const
    assert.deepInclude(findingOf({ ...asked, reading: none }), {
      status: "failed",
      message: "no value: Empty, asked in 12 ms",
      remedy: "Nothing. Look."
    })
  })
})
