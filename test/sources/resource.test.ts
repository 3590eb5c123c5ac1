import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { PodState } from "#schemas/kubernetes/Pod"
import type { Reading } from "#schemas/Reading"
import { podMetrics } from "#test/sources/answers"
import { inTime, NOW, pod, sampleIn, signal } from "#test/sources/sourceWorld"

const utilization = { target: { type: "Utilization", milli: 70 } } as const
const average = { target: { type: "AverageValue", milli: 500 } } as const

const read = (
  answer: unknown,
  pods: ReadonlyArray<PodState>,
  more: Parameters<typeof signal>[2] = utilization,
  options: object = { resource: "cpu" }
) => inTime(sampleIn({ kubernetes: () => answer }, signal("resource", options, more), { pods }))

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)
const samples = (reading: Reading) => (reading._tag === "Measured" ? (reading.pods ?? []) : [])

const pods = [pod("web-1"), pod("web-2")]
const both = podMetrics({ "web-1": { cpu: "100m", memory: "64M" }, "web-2": { cpu: "300m", memory: "192M" } })

describe("the pods of a target", () => {
  it.effect("come with what the HPA's arithmetic needs of each", () =>
    Effect.gen(function* () {
      const pending = pod("web-2", { phase: "Pending", requests: { app: { cpu: 100 } } })
      const { ready: _, readyChangedAt: __, startedAt: ___, ...unstarted } = pending
      const reading = yield* read(podMetrics({ "web-1": { cpu: "100m" } }), [pod("web-1"), unstarted])
      assert.deepStrictEqual(samples(reading), [
        {
          name: "web-1",
          phase: "Running",
          deleting: false,
          ready: true,
          readyChangedAt: NOW - 3_600_000,
          startedAt: NOW - 3_600_000,
          requestMilli: 500,
          usageMilli: 100,
          sampledAt: NOW - 10_000,
          windowMillis: 15_500
        },
        { name: "web-2", phase: "Pending", deleting: false, requestMilli: 100 }
      ])
    })
  )

  it.effect("are shown as utilization of what they request, or as a mean in the resource's own unit", () =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(both, pods)), "Measured 40")
      assert.strictEqual(outcome(yield* read(both, pods, average)), "Measured 0.2")
      assert.strictEqual(outcome(yield* read(both, pods, {})), "Measured 0.2")
      const memory = { resource: "memory" }
      assert.strictEqual(outcome(yield* read(both, pods, utilization, memory)), "Measured 50")
      assert.strictEqual(outcome(yield* read(both, pods, average, memory)), "Measured 128000000")
    })
  )

  it.effect("are none, or have no samples: two different things, and neither is zero", () =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(both, [])), "NoPods")
      assert.strictEqual(outcome(yield* read({ items: [] }, pods)), "NoSamples")
      assert.strictEqual(outcome(yield* read({ items: null }, pods)), "NoSamples")
      assert.strictEqual(outcome(yield* read({}, pods)), "NoSamples")
      assert.strictEqual(outcome(yield* read(podMetrics({ other: { cpu: "1" } }), pods)), "NoSamples")
      assert.strictEqual(outcome(yield* read(podMetrics({ "web-1": { memory: "1" } }), pods)), "NoSamples")
    })
  )

  it.effect("are spoken for in part when some have no sample", () =>
    Effect.gen(function* () {
      const four = [pod("web-1"), pod("web-2"), pod("gone", { deleting: true }), pod("dead", { phase: "Failed" })]
      const reading = yield* read(podMetrics({ "web-1": { cpu: "100m" }, gone: { cpu: "400m" } }), four)
      assert.strictEqual(outcome(reading), "Measured 20")
      assert.strictEqual(reading._tag === "Measured" ? reading.coverage : undefined, 0.5, "of those that still serve")
      assert.deepStrictEqual(
        samples(reading).map(({ name, usageMilli }) => [name, usageMilli]),
        [
          ["web-1", 100],
          ["web-2", undefined],
          ["gone", 400],
          ["dead", undefined]
        ]
      )
    })
  )

  it.effect("need requests for a utilization, every one of them, and for nothing else", () =>
    Effect.gen(function* () {
      for (const requests of [{}, { app: {} }, { app: { cpu: 500 }, sidecar: {} }]) {
        const some = [pod("web-1"), pod("web-2", { requests })]
        const reading = yield* read(both, some)
        assert.strictEqual(outcome(reading), "NoRequests", JSON.stringify(requests))
        assert.include(JSON.stringify(reading), "web-2 requests no cpu")
        assert.strictEqual(outcome(yield* read(both, some, average)), "Measured 0.2")
      }
      const zero = yield* read(both, [pod("web-1", { requests: { app: { cpu: 0 } } })])
      assert.strictEqual(outcome(zero), "NotANumber")
    })
  )
})

describe("containers", () => {
  const two = (usages: Readonly<Record<string, Readonly<Record<string, string>>>>) => ({
    items: [
      {
        metadata: { name: "web-1", namespace: "shop" },
        timestamp: new Date(NOW).toISOString(),
        window: "15s",
        containers: Object.entries(usages).map(([name, usage]) => ({ name, usage }))
      }
    ]
  })
  const one = [pod("web-1", { requests: { app: { cpu: 500 }, proxy: { cpu: 500 } } })]

  it.effect("count together, or one alone by its name", () =>
    Effect.gen(function* () {
      const answer = two({ app: { cpu: "300m" }, proxy: { cpu: "100m" } })
      assert.strictEqual(outcome(yield* read(answer, one)), "Measured 40")
      assert.strictEqual(
        outcome(yield* read(answer, one, utilization, { resource: "cpu", container: "app" })),
        "Measured 60"
      )
      assert.strictEqual(
        outcome(yield* read(answer, one, average, { resource: "cpu", container: "proxy" })),
        "Measured 0.1"
      )
    })
  )

  it.effect("without a sample make their pod one without a sample", () =>
    Effect.gen(function* () {
      const answer = two({ app: { cpu: "300m" }, proxy: { memory: "1" } })
      assert.strictEqual(outcome(yield* read(answer, one)), "NoSamples")
      assert.strictEqual(outcome(yield* read(two({}), one)), "NoSamples")
      assert.strictEqual(
        outcome(yield* read(answer, one, utilization, { resource: "cpu", container: "app" })),
        "Measured 60"
      )
    })
  )

  it.effect("that no pod has are named in the refusal", () =>
    Effect.gen(function* () {
      for (const container of ["none", "tostring"]) {
        const options = { resource: "cpu", container }
        const answer = two({ app: { cpu: "300m" } })
        const reading = yield* read(answer, one, utilization, options)
        assert.strictEqual(outcome(reading), "NoRequests")
        assert.include(JSON.stringify(reading), `cpu of ${container}`)
        assert.strictEqual(outcome(yield* read(answer, one, average, options)), "NoSamples")
      }
    })
  )
})

describe("old samples", () => {
  const aged = (...seconds: ReadonlyArray<number>) => ({
    items: seconds.flatMap(
      (age, at) =>
        podMetrics({ [`web-${at + 1}`]: { cpu: `${(at + 1) * 100}m` } }, new Date(NOW - age * 1000).toISOString()).items
    )
  })
  const limit = { ...utilization, maxSampleAgeMillis: 60_000 }

  it.effect("are left out beside young ones, and their pods count as missing", () =>
    Effect.gen(function* () {
      const reading = yield* read(aged(10, 90), pods, limit)
      assert.strictEqual(outcome(reading), "Measured 20")
      assert.deepStrictEqual(
        samples(reading).map(({ sampledAt, usageMilli }) => [usageMilli, sampledAt]),
        [
          [100, NOW - 10_000],
          [undefined, undefined]
        ]
      )
      assert.strictEqual(reading._tag === "Measured" ? reading.coverage : undefined, 0.5)
      assert.strictEqual(outcome(yield* read(aged(10, 90), pods)), "Measured 30", "nothing is too old without a limit")
    })
  )

  it.effect("alone are Stale, as old as the youngest", () =>
    Effect.gen(function* () {
      const reading = yield* read(aged(70, 90), pods, limit)
      assert.strictEqual(outcome(reading), "Stale 30")
      assert.strictEqual(reading._tag === "Stale" ? reading.ageMillis : undefined, 70_000)
    })
  )
})
