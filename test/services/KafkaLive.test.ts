import { assert, describe, it } from "@effect/vitest"
import { lookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { Effect, Fiber, Result } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { Kafka } from "#services/Kafka"
import { layerWith } from "#services/KafkaLive"
import { eventually, sleep } from "#test/controlplane/eventually"
import { KafkaBrokerStub } from "#test/services/kafkaBroker"

const broker = Effect.acquireRelease(
  Effect.promise(() => KafkaBrokerStub.start()),
  (one) => Effect.promise(() => one.close())
)

const live = (insideCluster = false) => layerWith({ insideCluster, lookup: lookup as LookupFunction })

const ask = (
  server: string,
  more: { readonly group?: string; readonly topic?: string; readonly password?: string } = {}
) =>
  Effect.flatMap(Kafka, (kafka) =>
    Effect.result(
      kafka.offsets({
        access: {
          bootstrapServers: [server],
          ...(more.password === undefined
            ? {}
            : { sasl: { mechanism: "PLAIN", username: "alice", password: more.password } })
        },
        group: more.group ?? "workers",
        topic: more.topic ?? "jobs"
      })
    )
  )

const told = (result: Effect.Success<ReturnType<typeof ask>>) =>
  Result.isSuccess(result)
    ? result.success.map(({ committed, latest }) => [committed, latest])
    : `${result.failure.why}: ${result.failure.detail}`

const becomes = (what: string, test: () => boolean) =>
  Effect.promise(() => eventually(test, { what, intervalMillis: 5 }))

/** Lets virtual time pass beside the real one, in which sockets answer. */
const inBothTimes = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) {
      yield* TestClock.adjust("20 millis")
      yield* Effect.promise(() => sleep(2))
    }
    return yield* Fiber.join(fiber)
  })

const JOBS = { jobs: [{ committed: 4, latest: 10 }, { latest: 3 }] }

describe("the live Kafka", () => {
  it.effect("asks once for all who ask the same at once, and again half a second later", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.topics = JOBS
      yield* Effect.gen(function* () {
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => ask(one.address)),
          { concurrency: "unbounded" }
        )
        for (const answer of answers) {
          assert.deepStrictEqual(told(answer), [
            [4n, 10n],
            [undefined, 3n]
          ])
        }
        assert.deepStrictEqual(
          one.asked.toSorted((a, b) => a - b),
          [2, 2, 3, 9, 10, 18]
        )
        yield* TestClock.adjust("501 millis")
        one.topics = { jobs: [{ committed: 5, latest: 10 }] }
        assert.deepStrictEqual(told(yield* ask(one.address)), [[5n, 10n]])
        assert.strictEqual(one.connections, 1)
      }).pipe(Effect.provide(live()))
    })
  )

  it.effect("pools connections by cluster and credentials, and closes them when nobody has asked for a minute", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.topics = JOBS
      one.answer = ({ key }) => {
        if (key === 17) return Buffer.from([0, 0, 0, 0, 0, 0])
        return key === 36 ? Buffer.alloc(2 + 2 + 4 + 8) : undefined
      }
      yield* Effect.gen(function* () {
        yield* ask(one.address)
        yield* ask(one.address, { group: "others" })
        assert.strictEqual(one.connections, 1)
        yield* ask(one.address, { password: "old" })
        yield* ask(one.address, { password: "new" })
        assert.strictEqual(one.connections, 3, "a new password never travels over what an old one opened")
        yield* TestClock.adjust("61 seconds")
        yield* becomes("the connections to be closed", () => one.sockets.size === 0)
        assert.isTrue(Result.isSuccess(yield* ask(one.address)))
      }).pipe(Effect.provide(live()))
      yield* becomes("the layer to close its connections", () => one.sockets.size === 0)
    })
  )

  it.effect("follows leaders and coordinators that move, and gives up when they stay away", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.topics = { jobs: [{ latest: 3, error: 6 }] }
      const after = (moves: number) => {
        let asked = 0
        one.answer = ({ key }) => {
          if (key === 2 && (asked += 1) > 2 * moves) one.topics = JOBS
          return undefined
        }
      }
      yield* Effect.gen(function* () {
        after(2)
        assert.deepStrictEqual(told(yield* inBothTimes(ask(one.address))), [[undefined, 10n]])
        one.topics = { jobs: [{ latest: 3, error: 6 }] }
        after(Infinity)
        const answer = yield* inBothTimes(ask(one.address, { group: "others" }))
        assert.match(String(told(answer)), /^NotLeader: /u)
      }).pipe(Effect.provide(live()))
    })
  )

  it.effect("asks nobody on forbidden addresses whom the cluster advertises there", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.topics = JOBS
      one.advertised = { host: "169.254.169.254", port: 80 }
      const answer = yield* ask(one.address).pipe(Effect.provide(live()))
      assert.match(String(told(answer)), /^Blocked: Kafka at 169\.254\.169\.254:80 is refused/u)
    })
  )

  it.effect("asks nobody on this machine from inside a cluster", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.topics = JOBS
      const answer = yield* ask(one.address).pipe(Effect.provide(live(true)))
      assert.match(String(told(answer)), /^Blocked: .+ is this machine itself/u)
      assert.strictEqual(one.connections, 0)
    })
  )

  it.effect("gives up after ten seconds on a broker that hangs", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.answer = ({ key }) => (key === 3 ? "silence" : undefined)
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(ask(one.address))
        yield* becomes("the broker to be asked", () => one.asked.includes(3))
        yield* TestClock.adjust("10 seconds")
        const answer = yield* Fiber.join(fiber)
        assert.match(String(told(answer)), /^Timeout: .+ did not answer within 10000 ms\. Check that the server is up/u)
      }).pipe(Effect.provide(live()))
      yield* becomes("the hanging connection to be closed", () => one.sockets.size === 0)
    })
  )

  it.effect("has no number for what it does not understand", () =>
    Effect.gen(function* () {
      const one = yield* broker
      one.answer = ({ key }) => (key === 3 ? Buffer.from("not an answer") : undefined)
      const answer = yield* ask(one.address).pipe(Effect.provide(live()))
      assert.match(String(told(answer)), /^Malformed: .+\. [A-Z].+\.$/u)
    })
  )
})
