import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { assert, describe } from "vitest"
import type { DecisionRecord } from "#schemas/Decision"
import { measured, missing } from "#schemas/Reading"
import { Ledger } from "#operator/Ledger"
import { Simulation } from "#simulation/runSimulation"
import { makeWorld, NAMESPACE, PER_REPLICA } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"
import { objectAt, textAt } from "#cluster/api/json"

const TARGETS = ["one", "two", "three"]
const MAX = 12

/** The wall between faults and healing. */
const STORM_MINUTES = 8

/** One test each, so that a loaded machine has time for every one. */
const SEEDS = [1, 2]

describe("safety", () => {
  const storm = Effect.gen(function* () {
    const simulation = yield* Simulation
    const world = yield* makeWorld
    const { api } = world
    const chance = simulation.prng("storm")
    const records: Array<DecisionRecord> = []
    const blind = new Set<string>()
    const wanted = new Map<string, number>()
    let stormy = true

    for (const name of TARGETS) {
      world.deploy(name, 3)
      world.policy(name, {
        scaling: { minReplicas: 1, maxReplicas: MAX, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } }
      })
      wanted.set(name, 3)
      world.sources.set(name, ({ at }) =>
        blind.has(name)
          ? Effect.succeed(missing("HttpStatus", "HTTP 503"))
          : Effect.delay(Effect.succeed(measured((wanted.get(name) ?? 1) * PER_REPLICA, at)), chance.below(300))
      )
    }

    const holder = () =>
      textAt(objectAt(api.find("Lease", "nimbusguard", "nimbusguard-operator") ?? {}, "spec"), "holderIdentity") ?? ""
    api.onCommit(({ before, manager, object, resource }) => {
      if (resource !== "deployments.apps" || manager !== "nimbusguard") return
      const from = Number(objectAt(before ?? {}, "spec")["replicas"])
      const to = Number(objectAt(object, "spec")["replicas"])
      if (from === to) return
      assert.isAtLeast(to, 1)
      assert.isAtMost(to, MAX)
      const last = world.writes.at(-1)
      assert.isTrue(
        holder() === "" || holder().startsWith(`${last?.client}_`),
        `${last?.client} wrote while ${holder()} held the lease`
      )
    })

    api.fault(({ method, path }) => {
      if (!stormy || path.includes("/leases")) return undefined
      const draw = chance.below(100)
      if (method === "PATCH" || method === "POST") {
        if (draw < 6) return { kind: "loseReply" }
        if (draw < 10) return { kind: "loseRequest" }
        if (draw < 14) return { kind: "refuse", status: 409, reason: "Conflict" }
        if (draw < 18) return { kind: "refuse", status: 500 }
        if (draw < 20) return { kind: "refuse", status: 429, retryAfterSeconds: 2 }
        if (draw < 22) return { kind: "slow", millis: 1 + chance.below(3_000) }
      }
      return draw < 2 ? { kind: "refuse", status: 503 } : undefined
    })

    /** One replica of the operator, which dies and is started again under a new name. */
    const replica = (name: string) =>
      Effect.gen(function* () {
        for (let life = 1; ; life++) {
          const { layer, port } = world.operator(`${name}${life}`)
          const scope = yield* Scope.make()
          const context = yield* Layer.buildWithScope(layer, scope)
          const listening = yield* Effect.forkIn(
            Effect.provideContext(
              Effect.gen(function* () {
                const ledger = yield* Ledger
                yield* Stream.runForEach(ledger.changes, (record) => Effect.sync(() => void records.push(record)))
              }),
              context
            ),
            scope
          )
          yield* Effect.sleep(60_000 + chance.below(120_000))
          if (!stormy) yield* Effect.never.pipe(Effect.ensuring(Scope.close(scope, Exit.void)))
          if (chance.below(3) > 0) port.cut() // dies on the spot; else it is told to stop
          yield* Fiber.interrupt(listening)
          yield* Scope.close(scope, Exit.void)
          yield* Effect.sleep(chance.below(10_000))
        }
      })
    yield* Effect.forkScoped(replica("a"))
    yield* Effect.forkScoped(Effect.delay(replica("b"), 5_000))

    for (let minute = 0; minute < STORM_MINUTES * 4; minute++) {
      yield* Effect.sleep(15_000)
      const name = TARGETS[chance.below(TARGETS.length)] ?? "one"
      switch (chance.below(7)) {
        case 0:
        case 1:
        case 2:
          wanted.set(name, 1 + chance.below(MAX))
          break
        case 3:
          api.scale("Deployment", NAMESPACE, name, 1 + chance.below(MAX))
          break
        case 4:
          if (!blind.delete(name)) blind.add(name)
          break
        case 5:
          api.setDown(true)
          yield* Effect.sleep(chance.below(20_000))
          api.setDown(false)
          break
        case 6:
          api.breakWatches()
          if (chance.below(2) === 0) api.compact()
          break
      }
    }

    const wrote = world.writes.length
    assert.isAbove(wrote, 2, "a storm in which nothing happens proves nothing")
    yield* Effect.logInfo(`${wrote} writes by ${new Set(world.writes.map(({ client }) => client)).size} leaders`)
    stormy = false
    blind.clear()
    for (const name of TARGETS) wanted.set(name, 4)
    yield* Effect.sleep("32 minutes") // a freeze for fighting lasts up to half an hour
    for (const name of TARGETS) {
      assert.strictEqual(world.replicas(name), 4, name)
      assert.strictEqual(world.condition(name, "Ready")?.status, "True")
      assert.strictEqual(world.condition(name, "Degraded")?.status, "False")
      assert.strictEqual(world.status(name).currentReplicas, 4)
    }
    for (const { decision, observation } of records) {
      const seen = observation.readings.every(({ reading }) => reading._tag === "Measured")
      if (decision.action === "scale_down" && decision.engine !== "recovered") {
        assert.isTrue(seen || observation.state.specReplicas > MAX, "scaled down blindly")
      }
    }
  })

  for (const seed of SEEDS) {
    simulated(
      `holds through lost replies, dead leaders, humans and a server that goes away; then all heals (seed ${seed})`,
      storm,
      { seeds: [seed], within: "2 hours" }
    )
  }
})
