import { Clock, Effect, Random } from "effect"
import { assert, describe } from "vitest"
import { Beat, Metronome } from "#operator/Metronome"
import { simulated } from "#test/simulation/inSimulation"

describe("Metronome", () => {
  simulated(
    "hands out every beat at its time, in order, and only the last time that it was given",
    Effect.gen(function* () {
      const metronome = new Metronome()
      yield* Effect.forkScoped(metronome.run)
      const start = yield* Clock.currentTimeMillis
      const clock = yield* Clock.Clock
      const fired: Array<{ readonly beat: number; readonly dueAt: number; readonly at: number }> = []
      const beats = Array.from(
        { length: 200 },
        (_, beat) => new Beat((dueAt) => void fired.push({ beat, dueAt, at: clock.currentTimeMillisUnsafe() }))
      )
      const wanted = new Map<number, number>()
      for (let round = 0; round < 3; round++) {
        for (const [index, beat] of beats.entries()) {
          const dueAt = start + 1_000 + (yield* Random.nextIntBetween(0, 5_000))
          metronome.schedule(beat, dueAt)
          wanted.set(index, dueAt)
        }
        yield* Effect.sleep(10)
      }
      for (let index = 0; index < 200; index += 7) {
        const beat = beats[index]
        if (beat !== undefined) metronome.cancel(beat)
        wanted.delete(index)
      }
      assert.strictEqual(metronome.size, wanted.size)
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(
        fired.map(({ beat, dueAt }) => [beat, dueAt] as const).sort(([left], [right]) => left - right),
        [...wanted]
      )
      for (const { at, dueAt } of fired) assert.isAtMost(Math.abs(at - dueAt), 1)
      const order = fired.map(({ dueAt }) => dueAt)
      assert.deepStrictEqual(
        order,
        [...order].sort((left, right) => left - right)
      )
      assert.strictEqual(metronome.size, 0)
    }),
    { seeds: 20 }
  )

  simulated(
    "is woken by an earlier beat while it sleeps towards a later one",
    Effect.gen(function* () {
      const metronome = new Metronome()
      yield* Effect.forkScoped(metronome.run)
      const start = yield* Clock.currentTimeMillis
      const fired: Array<string> = []
      metronome.schedule(new Beat(() => void fired.push("late")), start + 60_000)
      yield* Effect.sleep(100)
      metronome.schedule(new Beat(() => void fired.push("early")), start + 200)
      yield* Effect.sleep(200)
      assert.deepStrictEqual(fired, ["early"])
    }),
    { seeds: 20 }
  )
})
