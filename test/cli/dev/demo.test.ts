/**
 * The whole demo in virtual time: every scenario's policies become Active, replicas follow load up and down, nothing
 * shrinks while nobody measures, and what a scenario does to the world happens.
 */
import { Cause, Clock, Effect, Exit, Layer, type Scope, Stream } from "effect"
import { assert, describe, it } from "vitest"
import { Board, type Happening } from "#cli/dev/Board"
import { begin, demoSettings, layerDemo, podsIn, world } from "#cli/dev/demo"
import { course } from "#cli/dev/happen"
import { SCENARIOS } from "#cli/dev/scenarios/index"
import type { Scenario } from "#cli/dev/scenarios/Scenario"
import { runSimulation, type Simulation } from "#simulation/runSimulation"
import { Ledger } from "#operator/Ledger"
import type { DecisionRecord } from "#schemas/Decision"
import { Metrics } from "#services/Metrics"
import { settings } from "#test/cli/doctor/world"

interface Seen {
  readonly records: ReadonlyArray<DecisionRecord>
  readonly told: ReadonlyArray<Happening>
  readonly phases: ReadonlyMap<string, string>
  readonly startedAt: number
}

/** What there is to see after so many minutes, seconds after the beginning. */
const played = (
  scenario: Scenario,
  minutes: number,
  look: (seen: Seen) => void
): Effect.Effect<void, unknown, Simulation | Scope.Scope> =>
  Effect.gen(function* () {
    const told: Array<Happening> = []
    const records: Array<DecisionRecord> = []
    const board = new Board((happening) => void told.push(happening))
    const options = { scenario, seed: 42 }
    const cluster = yield* world(options)
    yield* Effect.sleep("2 minutes")
    yield* begin(cluster, options)
    const answers = { on: true }
    const startedAt = yield* Clock.currentTimeMillis
    yield* Effect.forkScoped(course(cluster, scenario, answers, board))
    yield* Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* Effect.forkScoped(
        Stream.runForEach(ledger.changes, (record) => Effect.sync(() => void records.push(record))),
        { startImmediately: true }
      )
      yield* Effect.sleep(`${minutes} minutes`)
      const phases = new Map([...(yield* ledger.policies).values()].map(({ phase, ref }) => [ref.name, phase]))
      look({ records, told, phases, startedAt })
    }).pipe(
      Effect.provide(layerDemo(cluster, demoSettings(settings()), answers, Layer.empty).pipe(Layer.fresh)),
      Effect.provide(Metrics.layerNone)
    )
  })

const changes = (records: ReadonlyArray<DecisionRecord>) =>
  records.flatMap(({ finishedAt, observation, outcome }) =>
    outcome._tag === "Scaled"
      ? [{ at: finishedAt, target: observation.target.name, by: outcome.to - outcome.from }]
      : []
  )

/** Seconds of work on a machine that has nothing else to do. */
const PATIENCE_MILLIS = 120_000

/** One order of the fibers is enough here: the operator's own tests have many. */
const once = (title: string, program: Effect.Effect<void, unknown, Simulation | Scope.Scope>): void => {
  it(
    title,
    () => {
      const { exit } = runSimulation(Effect.scoped(program), { seed: 1, within: "1 day" })
      if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
    },
    PATIENCE_MILLIS
  )
}

describe("the demo", () => {
  once(
    "knows how many pods a target has now, where it is there and can be scaled",
    Effect.gen(function* () {
      const cluster = yield* world({ scenario: SCENARIOS.default, seed: 42 })
      const podsOf = podsIn(cluster)
      yield* Effect.sleep("1 minute")
      const target = { apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "catalog" }
      assert.deepStrictEqual(podsOf(target), { ready: 4, wanted: 4 })
      cluster.api.patch("Deployment", "default", "catalog", { spec: { replicas: 9 } }, "kubectl", "scale")
      assert.deepStrictEqual(podsOf(target), { ready: 4, wanted: 9 })
      for (const other of [{ name: "nobody" }, { kind: "Nothing" }, { kind: "ConfigMap" }])
        assert.isUndefined(podsOf({ ...target, ...other }))
    })
  )

  once(
    "has every policy Active, something happen in the first minute, and replicas follow load up and down",
    played(SCENARIOS.default, 16, ({ phases, records, startedAt }) => {
      assert.strictEqual(phases.size, SCENARIOS.default.policies.length)
      for (const [name, phase] of phases) assert.strictEqual(phase, "Active", name)
      const all = changes(records)
      assert.isBelow((all[0]?.at ?? Infinity) - startedAt, 60_000)
      for (const { name } of SCENARIOS.default.workloads) {
        const own = all.filter(({ target }) => target === name)
        assert.isTrue(own.some(({ by }) => by > 0) && own.some(({ by }) => by < 0), `${name} went up and down`)
      }
    })
  )

  once(
    "lowers nothing while nobody who measures answers, and goes on when they do",
    played(SCENARIOS["metrics-outage"], 6, ({ records, told, phases, startedAt }) => {
      const [off, on] = told.map(({ at }) => at)
      assert.deepStrictEqual([off, on], [startedAt + 90_000, startedAt + 270_000])
      // What was read in the second before it is as old as that when it is decided upon.
      const during = records.filter(({ observation: { at } }) => at > (off ?? 0) && at < (on ?? 0))
      assert.isNotEmpty(during)
      assert.isFalse(changes(during).some(({ by }) => by < 0))
      const missing = during.flatMap(({ observation }) => observation.readings.map(({ reading }) => reading._tag))
      assert.isTrue(missing.every((tag) => tag === "Missing"))
      for (const [name, phase] of phases) assert.strictEqual(phase, "Active", name)
    })
  )

  once(
    "rolls out a version that never becomes ready, and takes it back",
    played(SCENARIOS["bad-rollout"], 8, ({ records, told }) => {
      assert.strictEqual(told.length, 2)
      const [bad = 0, good = 0] = told.map(({ at }) => at)
      const own = records.filter(({ observation }) => observation.target.name === "consumer-workload")
      const rolling = own.filter(({ observation: { at } }) => at > bad && at < good)
      assert.isTrue(rolling.some(({ observation }) => observation.state.rollingOut))
      assert.isFalse(own.at(-1)?.observation.state.rollingOut)
    })
  )

  once(
    "adopts what a person scales by hand",
    played(SCENARIOS["queue-burst"], 8, ({ records, told }) => {
      const [by] = told
      const after = records.find(
        ({ observation: { at, target } }) => target.name === "worker" && at >= (by?.at ?? Infinity)
      )
      assert.strictEqual(after?.observation.state.specReplicas, 12)
    })
  )

  for (const name of ["every-engine", "every-source"] as const) {
    once(
      `has every policy of ${name} at work`,
      played(SCENARIOS[name], 6, ({ phases, records }) => {
        for (const [policy, phase] of phases) assert.strictEqual(phase, "Active", policy)
        const moved = new Set(changes(records).map(({ target }) => target))
        const { workloads } = SCENARIOS[name]
        assert.deepStrictEqual([...moved].toSorted(), workloads.map((workload) => workload.name).toSorted())
      })
    )
  }
})
