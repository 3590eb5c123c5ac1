/**
 * Golden pairs: a manifest and what is seen, tick by tick, beside what is decided. To take new answers over after a
 * change that was meant: UPDATE_GOLDEN=1 vitest run --config test/vitest.config.ts test/domain/decide.test.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { parse, stringify } from "yaml"
import { decide } from "#domain/decide"
import { initialMemory } from "#domain/memory"
import { withBaseline } from "#engines/index"
import { Limiter } from "#schemas/Decision"
import type { Observation, TargetState } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import { measured, missing, MissingReason, type Reading } from "#schemas/Reading"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { kindOf } from "#schemas/crd/index"
import { boundEngines, Course, observe, policyOf, stateOf } from "#test/domain/policies"

interface Tick {
  /** Seconds, or a time. */
  readonly t: number | string
  /** Absent: what was decided before. */
  readonly replicas?: number
  readonly ready?: number
  readonly rollingOut?: boolean
  readonly disruptionFloor?: number
  readonly failingPodsFor?: number
  readonly signals: Readonly<Record<string, Given>>
}

interface Absent {
  readonly missing: MissingReason
  readonly because: string
}

/** Null is missing for a reason that does not matter. */
type Given = number | "stale" | null | Absent

interface Input {
  readonly title: string
  readonly policy: unknown
  readonly replicas: number
  readonly ticks: ReadonlyArray<Tick>
}

const folder = new URL("../golden/decide/", import.meta.url).pathname
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".input.yaml"))
  .map((name) => name.replace(".input.yaml", ""))
  .toSorted()

const policyIn = ({ policy }: Input): Policy => {
  const decoded = kindOf(policy)?.decode(policy, DECODE_SETTINGS)
  if (decoded === undefined) throw new Error("no such kind")
  return withBaseline(Result.getOrThrowWith(decoded, (refusals) => new Error(JSON.stringify(refusals))))
}

const readingOf = (value: Given, at: number): Reading => {
  if (value === null) return missing("Unreachable", "connection refused")
  if (value === "stale") {
    return { _tag: "Stale", value: 1, at: at - 600_000, ageMillis: 600_000, detail: "the sample is 600 s old" }
  }
  return typeof value === "number" ? measured(value, at) : missing(value.missing, value.because)
}

const stateIn = (tick: Tick, replicas: number, at: number): Partial<TargetState> => ({
  specReplicas: replicas,
  statusReplicas: replicas,
  readyReplicas: tick.ready ?? replicas,
  rollingOut: tick.rollingOut ?? false,
  ...(tick.disruptionFloor === undefined ? {} : { disruptionFloor: tick.disruptionFloor }),
  ...(tick.failingPodsFor === undefined ? {} : { failingPodsSince: at - tick.failingPodsFor * 1000 })
})

const run = (input: Input) => {
  const course = new Course(policyIn(input), input.replicas)
  return input.ticks.map((tick) => {
    const at = typeof tick.t === "number" ? Math.round(tick.t * 1000) : Date.parse(tick.t)
    const from = tick.replicas ?? course.replicas
    course.replicas = from
    const values = Object.fromEntries(
      Object.entries(tick.signals).map(([name, value]) => [name, readingOf(value, at)] as const)
    )
    const { desired, engine, limitedBy, reason, recommended } = course.tick(at, values, stateIn(tick, from, at))
    return {
      t: tick.t,
      from,
      desired,
      ...(recommended === undefined ? {} : { recommended }),
      limitedBy,
      engine,
      reason
    }
  })
}

const read = (path: string): unknown => parse(readFileSync(folder + path, "utf8"))

describe("the golden decisions", () => {
  it.each(names)("%s", (name) => {
    const input = read(`${name}.input.yaml`) as Input
    const output = run(input)
    if (process.env["UPDATE_GOLDEN"] !== undefined) {
      writeFileSync(`${folder}${name}.output.yaml`, stringify(output, { lineWidth: 0, flowCollectionPadding: false }))
    }
    assert.deepStrictEqual(output, read(`${name}.output.yaml`))
  })

  it("show every limiter that there is", () => {
    const shown = new Set(
      names.flatMap((name) =>
        (read(`${name}.output.yaml`) as ReadonlyArray<{ limitedBy: string[] }>).flatMap((each) => each.limitedBy)
      )
    )
    assert.deepStrictEqual(
      Limiter.literals.filter((limiter) => !shown.has(limiter)),
      []
    )
  })

  it("show every reason for which a signal can be missing", () => {
    const given = names.flatMap((name) =>
      (read(`${name}.input.yaml`) as Input).ticks.flatMap(({ signals }) => Object.values(signals))
    )
    const shown = new Set(
      given.flatMap((value) => (typeof value === "object" && value !== null ? [value.missing] : []))
    )
    assert.deepStrictEqual([...shown].toSorted(), MissingReason.literals.toSorted())
  })
})

describe("decide", () => {
  const policy = policyOf()
  const engines = boundEngines(policy)
  const memory = { ...initialMemory(policy, 0), lastSeen: 5 }

  it("gives the same decision for the same inputs and changes none of them", () => {
    const observation = observe(15_000, stateOf(5), { rps: 900 })
    const before = JSON.stringify({ observation, memory, policy })
    const first = decide({ policy, engines, observation, memory })
    const second = decide({
      policy,
      engines,
      observation: JSON.parse(JSON.stringify(observation)) as Observation,
      memory
    })
    assert.deepStrictEqual(second, first)
    assert.strictEqual(JSON.stringify({ observation, memory, policy }), before)
  })

  it("takes the first sight of the replicas as a recommendation", () => {
    const { memory: after } = decide({ policy, engines, observation: observe(0, stateOf(5), { rps: null }), memory })
    assert.deepStrictEqual(after.recommendations, [{ at: 0, replicas: 5 }])
  })

  it("records nothing on a tick that it holds", () => {
    const known = { ...memory, recommendations: [{ at: 0, replicas: 5 }] }
    const { memory: after } = decide({
      policy,
      engines,
      observation: observe(9, stateOf(5), { rps: null }),
      memory: known
    })
    assert.deepStrictEqual(after.recommendations, known.recommendations)
  })

  it("takes the replicas as a recommendation again after a restart", () => {
    const known = { ...memory, recommendations: [{ at: 0, replicas: 2 }], reseed: true }
    const { memory: after } = decide({
      policy,
      engines,
      observation: observe(9, stateOf(5), { rps: null }),
      memory: known
    })
    assert.deepStrictEqual(after.recommendations, [{ at: 9, replicas: 5 }])
    assert.isUndefined(after.reseed)
  })

  it("reads a signal that the observation does not hold as missing", () => {
    const { decision } = decide({ policy, engines, observation: observe(0, stateOf(5)), memory })
    assert.deepStrictEqual(decision.limitedBy, ["SignalMissing"])
    assert.strictEqual(decision.confidence, 0)
  })

  it("keeps two engines of one name apart", () => {
    const twice = policyOf({
      engines: [
        { engine: "target", options: {} },
        { engine: "target", options: { signals: ["none"] } }
      ]
    })
    const { decision } = decide({
      policy: twice,
      engines: boundEngines(twice),
      observation: observe(0, stateOf(5), { rps: 900 }),
      memory
    })
    assert.strictEqual(decision.desired, 9)
    assert.strictEqual(decision.proposals.length, 1)
  })
})
