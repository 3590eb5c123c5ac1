import { Random } from "effect"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { Packing, type Patch } from "#operator/Packing"
import { simulated } from "#test/simulation/inSimulation"

const LIMITS = { fullChars: 100, mostChars: 150 }
const text = (chars: number) => "x".repeat(chars)

/** The world as it becomes when every patch is written. */
const written = (world: Map<string, Map<string, string>>, patches: ReadonlyMap<string, Patch>) => {
  for (const [name, patch] of patches) {
    const shard = world.get(name) ?? new Map<string, string>()
    world.set(name, shard)
    for (const [key, value] of patch) {
      if (value === undefined) shard.delete(key)
      else shard.set(key, value)
    }
  }
}

describe("Packing", () => {
  it("fills one shard before it begins another", () => {
    const packing = new Packing("m-", LIMITS)
    const patches = packing.place(new Map(Array.from({ length: 7 }, (_, index) => [`k${index}`, text(30)])))
    assert.deepStrictEqual(
      [...patches].map(([name, patch]) => [name, patch.size]),
      [
        ["m-0", 3],
        ["m-1", 3],
        ["m-2", 1]
      ]
    )
  })

  it("lets an entry grow where it is, and moves it when its shard would burst", () => {
    const packing = new Packing("m-", LIMITS)
    packing.place(
      new Map([
        ["a", text(50)],
        ["b", text(50)]
      ])
    )
    assert.deepStrictEqual([...packing.place(new Map([["a", text(90)]])).keys()], ["m-0"])
    const patches = packing.place(new Map([["a", text(140)]]))
    assert.deepStrictEqual(
      [...patches].map(([name, patch]) => [name, [...patch].map(([key, value]) => [key, value?.length])]),
      [
        ["m-1", [["a", 140]]],
        ["m-0", [["a", undefined]]]
      ]
    )
    assert.strictEqual(packing.homeOf("a"), "m-1")
  })

  it("gives an entry that is larger than any shard one of its own", () => {
    const packing = new Packing("m-", LIMITS)
    packing.place(new Map([["a", text(10)]]))
    packing.place(new Map([["huge", text(500)]]))
    assert.strictEqual(packing.homeOf("huge"), "m-1")
    packing.place(new Map([["b", text(10)]]))
    assert.strictEqual(packing.homeOf("b"), "m-0")
  })

  simulated(
    "leaves every entry exactly once where it says, whatever comes and goes",
    Effect.gen(function* () {
      const packing = new Packing("m-", LIMITS)
      const world = new Map<string, Map<string, string>>()
      const wanted = new Map<string, string>()
      for (let round = 0; round < 60; round++) {
        const changes = new Map<string, string | undefined>()
        for (let count = 0; count < 5; count++) {
          const key = `k${yield* Random.nextIntBetween(0, 20)}`
          const chars = yield* Random.nextIntBetween(0, 60)
          const value = chars < 10 ? undefined : text(chars)
          changes.set(key, value)
          if (value === undefined) wanted.delete(key)
          else wanted.set(key, value)
        }
        written(world, packing.place(changes))
      }
      const found = [...world].flatMap(([name, shard]) => [...shard].map(([key, value]) => ({ name, key, value })))
      assert.strictEqual(found.length, wanted.size)
      for (const { key, value } of found) assert.strictEqual(value, wanted.get(key))
      for (const { key, name } of found) assert.strictEqual(packing.homeOf(key), name)
      for (const shard of world.values()) {
        assert.isAtMost([...shard.values()].join("").length, LIMITS.mostChars)
      }
    }),
    { seeds: 30 }
  )
})
