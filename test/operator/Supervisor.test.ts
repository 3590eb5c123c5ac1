import { Clock, Effect, Fiber, Layer, Result } from "effect"
import { assert, describe } from "vitest"
import type { Crash } from "#operator/Facts"
import type { PolicyObject } from "#operator/Mailbox"
import { type ActorPost, Actors, Supervisor, SUPERVISOR_OPTIONS } from "#operator/Supervisor"
import { Simulation } from "#simulation/runSimulation"
import { Metrics } from "#services/Metrics"
import { deployment, policyOf, refOf } from "#test/operator/records"
import { simulated } from "#test/simulation/inSimulation"

const INTERVAL = 15_000

interface Seen {
  readonly ticks: Array<{ readonly uid: string; readonly at: number; readonly late: number }>
  readonly crashes: Array<Crash & { readonly uid: string }>
  readonly applied: Array<number>
  readonly poked: Array<string>
  readonly living: Map<string, number>
  overlaps: number
}

/** Actors that tick and remember; `broken` ones throw at every tick while they are in the set. */
const world = (broken: ReadonlySet<string>, slowEndMillis = 0) => {
  const seen: Seen = { ticks: [], crashes: [], applied: [], poked: [], living: new Map(), overlaps: 0 }
  const make = (post: ActorPost) =>
    Effect.sync(() => {
      const { uid } = post.object.ref
      let first = true
      const run = Effect.gen(function* () {
        const living = (seen.living.get(uid) ?? 0) + 1
        seen.living.set(uid, living)
        if (living > 1) seen.overlaps++
        post.schedule(first ? post.firstTickAt : yield* Clock.currentTimeMillis)
        first = false
        while (true) {
          const message = yield* post.mailbox.take()
          const at = yield* Clock.currentTimeMillis
          if (message._tag === "Retired") return
          if (message._tag === "Applied") seen.applied.push(message.object.ref.generation)
          if (message._tag === "Poked") seen.poked.push(`${uid}: ${message.cause}`)
          if (message._tag !== "Ticked") continue
          post.schedule(message.dueAt + INTERVAL)
          if (broken.has(uid)) throw new Error("the windows are in pieces")
          seen.ticks.push({ uid, at, late: at - message.dueAt })
        }
      }).pipe(
        Effect.ensuring(
          Effect.andThen(
            slowEndMillis === 0 ? Effect.void : Effect.sleep(slowEndMillis),
            Effect.sync(() => void seen.living.set(uid, (seen.living.get(uid) ?? 1) - 1))
          )
        )
      )
      return {
        run,
        crashed: (crash: Crash) => Effect.sync(() => void seen.crashes.push({ ...crash, uid })),
        ended: Effect.void
      }
    })
  const actors = Layer.succeed(Actors, {
    make,
    targetsOf: ({ ref }) => Effect.succeed([deployment(ref.name)])
  })
  const layer = Supervisor.layerWith(SUPERVISOR_OPTIONS).pipe(Layer.provide(actors), Layer.provide(Metrics.layerNone))
  return { seen, layer }
}

const object = (uid: string, generation = 1, name = uid): PolicyObject => ({
  ref: refOf(uid, { generation, name }),
  decoded: Result.succeed(policyOf(uid)),
  status: undefined
})

describe("Supervisor", () => {
  simulated(
    "restarts an actor that crashes on every tick alone, later each time, while its neighbour ticks on time",
    Effect.suspend(() => {
      const broken = new Set(["bad"])
      const { layer, seen } = world(broken)
      return Effect.gen(function* () {
        const supervisor = yield* Supervisor
        yield* supervisor.upsertAll([object("bad"), object("good")])
        yield* Effect.sleep("10 minutes")
        const good = seen.ticks.filter(({ uid }) => uid === "good")
        assert.isAtLeast(good.length, 40)
        for (const { late } of good) assert.isAtMost(late, 5)
        const gaps = seen.crashes.slice(1).map(({ at }, index) => at - (seen.crashes[index]?.at ?? 0))
        assert.isAtMost(gaps[0] ?? Infinity, 650)
        assert.isAtLeast(Math.max(...gaps), 40_000)
        assert.isAtMost(Math.max(...gaps), 75_000)
        assert.isAtMost(seen.crashes.length, 25)
        assert.strictEqual(seen.crashes.at(-1)?.count, seen.crashes.length)
        assert.strictEqual(seen.crashes[0]?.message, "the windows are in pieces")

        broken.clear()
        yield* Effect.sleep("5 minutes")
        assert.isAtLeast(seen.ticks.filter(({ uid }) => uid === "bad").length, 15)
        const before = seen.crashes.length
        broken.add("bad")
        yield* Effect.sleep("16 seconds")
        const [first, second] = seen.crashes.slice(before)
        assert.strictEqual(first?.count, 1)
        assert.isAtMost((second?.at ?? Infinity) - (first?.at ?? 0), 650)
      }).pipe(Effect.provide(layer))
    }),
    { seeds: 10 }
  )

  simulated(
    "hands a changed object to the living actor instead of starting another",
    Effect.suspend(() => {
      const { layer, seen } = world(new Set())
      return Effect.gen(function* () {
        const supervisor = yield* Supervisor
        const simulation = yield* Simulation
        yield* supervisor.upsert(object("a"))
        yield* Effect.sleep("20 seconds")
        const fibers = simulation.liveFibers()
        for (let generation = 2; generation < 50; generation++) yield* supervisor.upsert(object("a", generation))
        yield* Effect.sleep("1 second")
        assert.strictEqual(seen.applied.at(-1), 49)
        assert.strictEqual(simulation.liveFibers(), fibers)
        assert.strictEqual(seen.overlaps, 0)
        assert.strictEqual(yield* supervisor.size, 1)
      }).pipe(Effect.provide(layer))
    }),
    { seeds: 20 }
  )

  simulated(
    "wakes a policy that selects by labels for what it selects or selected, and for no other workload",
    Effect.suspend(() => {
      const { layer, seen } = world(new Set())
      return Effect.gen(function* () {
        const supervisor = yield* Supervisor
        const { namespace } = deployment("web")
        const targets = { _tag: "Labels", namespace, labels: { app: "web" }, limit: 20 } as const
        yield* supervisor.upsert({ ...object("a"), decoded: Result.succeed({ ...policyOf("a"), targets }) })
        yield* Effect.sleep("1 second")
        yield* supervisor.targetChanged(deployment("other"), [{ app: "other" }], "other appeared")
        yield* supervisor.targetChanged({ ...deployment("web"), namespace: "far" }, [{ app: "web" }], "far appeared")
        yield* Effect.sleep("1 second")
        yield* supervisor.targetChanged(deployment("web"), [{ app: "web", tier: "1" }], "web appeared")
        yield* Effect.sleep("1 second")
        yield* supervisor.targetChanged(deployment("web"), [{ app: "web" }, { app: "left" }], "web labels")
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(seen.poked, ["a: web appeared", "a: web labels"])
      }).pipe(Effect.provide(layer))
    }),
    { seeds: 5 }
  )

  simulated(
    "comes back from remove only when the actor has ended, and never lets two of one key overlap",
    Effect.suspend(() => {
      const { layer, seen } = world(new Set(), 5_000)
      return Effect.gen(function* () {
        const supervisor = yield* Supervisor
        yield* supervisor.upsert(object("a"))
        yield* Effect.sleep("1 second")
        for (let round = 0; round < 5; round++) {
          const removal = yield* Effect.forkScoped(supervisor.remove("a"))
          const again = yield* Effect.forkScoped(Effect.andThen(Effect.yieldNow, supervisor.upsert(object("a"))))
          yield* Fiber.join(removal)
          yield* Fiber.join(again)
          yield* Effect.sleep("1 second")
        }
        assert.strictEqual(seen.overlaps, 0)
        yield* supervisor.remove("a")
        assert.strictEqual(seen.living.get("a"), 0)
        assert.strictEqual(yield* supervisor.size, 0)
        assert.isFalse(yield* supervisor.tell("a", { _tag: "Poked", cause: "test" }))
        assert.isUndefined(yield* supervisor.describe("a"))
      }).pipe(Effect.provide(layer))
    }),
    { seeds: 40 }
  )

  simulated(
    "starts a thousand policies spread out, and holds one fiber for each",
    Effect.suspend(() => {
      const { layer, seen } = world(new Set())
      return Effect.gen(function* () {
        const supervisor = yield* Supervisor
        const simulation = yield* Simulation
        const before = simulation.liveFibers()
        yield* supervisor.upsertAll(Array.from({ length: 1_000 }, (_, index) => object(`p${index}`)))
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(seen.ticks.length, 1_000)
        const inOneMilli = Map.groupBy(seen.ticks, ({ at }) => at)
        assert.isAtMost(Math.max(...[...inOneMilli.values()].map((ticks) => ticks.length)), 2)
        const alarm = 1 // the metronome's
        assert.strictEqual(simulation.liveFibers() - before, 1_000 + alarm)
        yield* supervisor.stop
        yield* Effect.sleep("1 minute")
        assert.strictEqual(simulation.liveFibers(), before)
      }).pipe(Effect.provide(layer))
    }),
    { seeds: 2 }
  )

  simulated(
    "starts an actor again that was interrupted by nobody's wish",
    Effect.suspend(() => {
      let runs = 0
      const actors = Layer.succeed(Actors, {
        make: () =>
          Effect.succeed({
            run: Effect.suspend(() => (++runs < 3 ? Effect.interrupt : Effect.never)),
            crashed: () => Effect.void,
            ended: Effect.void
          }),
        targetsOf: () => Effect.succeed([])
      })
      const layer = Supervisor.layer.pipe(Layer.provide(actors), Layer.provide(Metrics.layerNone))
      return Effect.gen(function* () {
        yield* (yield* Supervisor).upsert(object("a"))
        yield* Effect.sleep("1 minute")
        assert.strictEqual(runs, 3)
      }).pipe(Effect.provide(layer))
    })
  )
})
