import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { makeStreams } from "#dashboard/api/stream"

describe("the streams of many readers", () => {
  it.effect("look at the fleet once a second for all of them, and each hears of what changed", () =>
    Effect.gen(function* () {
      const looks: Array<number> = []
      let count = 0
      const respond = yield* makeStreams({
        look: Effect.clockWith((clock) => Effect.map(clock.currentTimeMillis, (at) => void looks.push(at))),
        since: (cursor) => ({ rows: [], gone: cursor === `b-${count}` ? [] : [`p${count}`], cursor: `b-${count}` }),
        standing: Effect.succeed({ leadership: { leading: true }, waitingFor: [], components: [] }),
        closing: Effect.never
      })
      const heard = Array.from({ length: 20 }, () => "")
      const read = (index: number) =>
        Effect.gen(function* () {
          const { body } = yield* respond("b-0")
          if (body._tag !== "Stream") return assert.fail(`${body._tag} is no stream`)
          // Pages are not opened in step.
          yield* Effect.sleep(index * 45)
          yield* Stream.runForEach(Stream.decodeText(body.stream), (text) =>
            Effect.sync(() => void (heard[index] += text))
          )
        }).pipe(Effect.scoped, Effect.orDie)
      const readers = yield* Effect.forEach(heard, (_, index) => Effect.forkChild(read(index)))
      yield* TestClock.adjust("3 seconds")
      count = 7
      yield* TestClock.adjust("7 seconds")
      assert.isTrue(heard.every((text) => text.split(`"gone":["p7"]`).length === 2))
      assert.isAtMost(looks.length, 12)
      assert.isTrue(looks.every((at, index) => index === 0 || at - looks[index - 1]! >= 900))
      yield* Fiber.interruptAll(readers)
    })
  )
})
