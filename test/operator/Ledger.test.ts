import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import { ACTIVITIES, bytesOf, Ledger } from "#operator/Ledger"
import { makeRecord, policyOf, refOf } from "#test/operator/records"

const unchanged: Outcome = { _tag: "Unchanged" }
const scaled: Outcome = { _tag: "Scaled", from: 2, to: 3, resourceVersion: "7" }

const numbered = (uid: string, count: number, outcome: Outcome = unchanged): ReadonlyArray<DecisionRecord> =>
  Array.from({ length: count }, (_, index) => makeRecord({ uid, id: `${uid}/${index}`, at: index, outcome }))

describe("Ledger", () => {
  it.effect("keeps the last 200 records of a policy, newest first", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* Effect.forEach(numbered("a", 250), (each) => ledger.record(each))
      const kept = yield* ledger.records("a")
      assert.strictEqual(kept.length, 200)
      assert.strictEqual(kept[0]?.id, "a/249")
      assert.strictEqual(kept[199]?.id, "a/50")
      assert.isUndefined(yield* ledger.find("a/49"))
      assert.strictEqual((yield* ledger.find("a/50"))?.id, "a/50")
    }).pipe(Effect.provide(Ledger.layer))
  )

  it.effect("evicts the oldest of all policies when the bytes run out, and counts what is left", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* ledger.record(makeRecord({ uid: "old", id: "old/0", at: 0, outcome: unchanged }))
      yield* Effect.forEach(numbered("busy", 30), (each) => ledger.record(each))
      assert.deepStrictEqual(yield* ledger.records("old"), [])
      const kept = yield* ledger.records("busy")
      const { bytes, records } = yield* ledger.size
      assert.strictEqual(records, kept.length)
      assert.strictEqual(
        bytes,
        kept.reduce((sum, record) => sum + bytesOf(record), 0)
      )
      assert.isAtMost(bytes, 20_000)
      assert.strictEqual(kept[0]?.id, "busy/29")
    }).pipe(Effect.provide(Ledger.layerWith({ recordsPerPolicy: 200, bytes: 20_000 })))
  )

  it.effect("keeps one record however large", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* Effect.forEach(numbered("a", 3), (each) => ledger.record(each))
      assert.deepStrictEqual(
        (yield* ledger.records("a")).map((record) => record.id),
        ["a/2"]
      )
    }).pipe(Effect.provide(Ledger.layerWith({ recordsPerPolicy: 200, bytes: 1 })))
  )

  it.effect("replaces a record of the same id", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const [first] = numbered("a", 1)
      const [again] = numbered("a", 1, scaled)
      if (first === undefined || again === undefined) return assert.fail("no records")
      yield* ledger.record(first)
      yield* ledger.record(again)
      assert.deepStrictEqual(
        (yield* ledger.records("a")).map((record) => record.outcome._tag),
        ["Scaled"]
      )
      assert.strictEqual((yield* ledger.size).records, 1)
    }).pipe(Effect.provide(Ledger.layer))
  )

  it.effect("holds a policy for as long as a record that it decided, and counts those that were edited", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const generation = (number: number) => policyOf("a", { ref: refOf("a", { generation: number }) })
      const policies = [1, 2, 3].map(generation)
      const held = Effect.map(ledger.deciders("a"), (all) => all.map(({ ref }) => ref.generation))
      const records = numbered("a", 6)
      const sizes: Array<number> = []
      for (const [index, record] of records.entries()) {
        yield* ledger.record(record, policies[Math.floor(index / 2)])
        sizes.push((yield* ledger.size).bytes)
      }
      // Room for four records, so the first generation has gone with its last one.
      assert.deepStrictEqual(yield* held, [3, 2])
      const own = (yield* ledger.records("a")).reduce((sum, record) => sum + bytesOf(record), 0)
      assert.strictEqual((yield* ledger.size).bytes, own + bytesOf(policies[1]))
      assert.strictEqual(sizes[1], 2 * bytesOf(records[0]), "the policy in force is its actor's")
      // Bound anew without an edit: the same generation is not held twice.
      const again = generation(3)
      yield* ledger.record(makeRecord({ uid: "a", id: "a/6", at: 6, outcome: unchanged }), again)
      assert.deepStrictEqual(yield* held, [3, 2])
      assert.strictEqual((yield* ledger.deciders("a"))[0], again)
      yield* ledger.forget("a")
      assert.deepStrictEqual([yield* held, yield* ledger.size], [[], { records: 0, bytes: 0 }])
    }).pipe(Effect.provide(Ledger.layerWith({ recordsPerPolicy: 4, bytes: 1e9 })))
  )

  it.effect("lists as activity only what happened to replicas, newest first and bounded", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* Effect.forEach(numbered("quiet", 5), (each) => ledger.record(each))
      assert.deepStrictEqual(yield* ledger.activity, [])
      yield* Effect.forEach(numbered("busy", ACTIVITIES + 7, scaled), (each) => ledger.record(each))
      const activity = yield* ledger.activity
      assert.strictEqual(activity.length, ACTIVITIES)
      assert.strictEqual(activity[0]?.id, `busy/${ACTIVITIES + 6}`)
      assert.deepInclude(activity[0], { from: 2, to: 3, outcome: "Scaled" })
    }).pipe(Effect.provide(Ledger.layer))
  )

  it.effect("forgets a policy whole, and no other", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* Effect.forEach([...numbered("gone", 90), ...numbered("here", 3)], (each) => ledger.record(each))
      yield* ledger.forget("gone")
      assert.deepStrictEqual(yield* ledger.records("gone"), [])
      assert.strictEqual((yield* ledger.records("here")).length, 3)
      assert.strictEqual((yield* ledger.size).records, 3)
    }).pipe(Effect.provide(Ledger.layer))
  )

  it.live("streams records as they come", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const reader = yield* ledger.changes.pipe(
        Stream.take(2),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* Effect.yieldNow
      yield* Effect.forEach(numbered("a", 2), (each) => ledger.record(each))
      const seen = yield* Fiber.join(reader)
      assert.deepStrictEqual(
        seen.map((record) => record.id),
        ["a/0", "a/1"]
      )
    }).pipe(Effect.provide(Ledger.layer))
  )
})
