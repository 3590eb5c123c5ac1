import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { bindEngine, runs, withBaseline } from "#engines/index"
import { measured } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import { observe, policyOf, signalOf, stateOf, watched } from "#test/domain/policies"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const rps = signalOf({ role: "demand" })
const SLOW = { step: 60_000, startupSeconds: 600 }
const policyWith = ({ startupSeconds, step }: typeof SLOW) =>
  policyOf({
    signals: [rps],
    engines: [{ engine: "predictive", options: {} }],
    objectives: { startupSeconds },
    intervalMillis: step
  })
const policy = policyWith(SLOW)

/** Plays a load on pods that always fit it, 100 each; gives what is said then, and what is remembered at the end. */
const play = (
  demandAt: (at: number) => number,
  until: number,
  options: unknown = {},
  { step, startupSeconds } = SLOW
) => {
  const engine = Result.getOrThrow(bindEngine({ engine: "predictive", options }))
  let memory: unknown
  let last: ReturnType<typeof engine.propose>["proposals"][number] | undefined
  const policy = policyWith({ step, startupSeconds })
  for (let at = 0; at <= until; at += step) {
    const value = demandAt(at)
    const observation = observe(at, stateOf(Math.ceil(value / 100)), { rps: value })
    const signals = [{ signal: rps, reading: measured(value, at) }]
    const output = engine.propose({ policy, observation, signals, resumed: false, memory })
    memory = output.memory
    last = output.proposals[0]
  }
  return { proposal: last, memory }
}

/** Offices open at nine: within an hour there is four times as much to do. */
const office = (at: number) => {
  const hour = (at % DAY) / HOUR
  return 500 + 1500 * Math.min(Math.max(0, hour - 9), Math.max(0, 18 - hour), 1)
}

describe("predictive", () => {
  it("asks for what the day will bring before it comes, once it has seen that it comes", () => {
    // Nine o'clock less five minutes: nothing of it is to be seen yet.
    const { proposal } = play(office, 3 * DAY + 9 * HOUR - 300_000)
    assert.isAbove(proposal?.replicas ?? 0, 5)
    assert.isTrue(proposal?.raiseOnly)
    assert.match(proposal?.reason ?? "", /the forecast by the day/u)
  })

  it("has nothing to say of demand that goes nowhere", () => {
    const dice = new Dice(6)
    let level = 1000
    const { proposal } = play(() => (level *= Math.exp(0.1 * (dice.float() - 0.5))), DAY / 2)
    assert.isUndefined(proposal?.replicas)
    assert.isUndefined(proposal?.signal)
    assert.match(proposal?.reason ?? "", /no better than none|is the most/u)
  })

  it("sees growth that goes on", () => {
    const rising = (at: number) => 1000 + Math.max(0, at - (5 / 6) * HOUR) / 200
    const { proposal } = play(rising, HOUR, {}, { step: 15_000, startupSeconds: 120 })
    // Forty pods are enough for now, and 675 more of demand will have come when those that are ordered now serve.
    assert.isAbove(proposal?.replicas ?? 0, 44)
    assert.isBelow(proposal?.replicas ?? 0, 60)
    assert.match(proposal?.reason ?? "", /its growth/u)
  })

  it("does not use a forecast that is more wrong than is allowed, and says by how much", () => {
    const dice = new Dice(2)
    const rough = (at: number) => office(at) * Math.exp(0.9 * (dice.float() - 0.5))
    const { proposal } = play(rough, 3 * DAY + 9 * HOUR, { maxErrorPercent: 5 })
    assert.isUndefined(proposal?.replicas)
    assert.match(proposal?.reason ?? "", /was wrong by \d+ %, and 5 % is the most/u)
  })

  it("repeats what is usual where it is told to, within the season that it is told", () => {
    const spike = (at: number) => (at % HOUR < HOUR / 4 ? 2000 : 500)
    const options = { model: "Seasonal", seasonSeconds: 3600 }
    const { proposal } = play(spike, 30 * HOUR - 480_000, options)
    assert.isAbove(proposal?.replicas ?? 0, 5)
    assert.match(proposal?.reason ?? "", /the season/u)
  })

  it("remembers little, and begins anew when the season that it is told changes", () => {
    const { memory } = play(office, 3 * DAY)
    assert.isBelow(JSON.stringify(memory).length, 9000)
    const engine = Result.getOrThrow(bindEngine({ engine: "predictive", options: { seasonSeconds: 3600 } }))
    const input = { policy, observation: observe(0, stateOf(5), { rps: 1 }), resumed: false, memory }
    const { proposals } = engine.propose({ ...input, signals: [{ signal: rps, reading: measured(500, 9 * DAY) }] })
    assert.match(proposals[0]?.reason ?? "", /have not been judged yet/u)
  })

  it("needs a signal with a target, and says so where the one that it is told has none", () => {
    assert.isFalse(runs("predictive", policyOf({ signals: [watched("rps", { role: "demand" })] })))
    assert.isTrue(runs("predictive", policy))
    // It can only raise: alone it comes with what steers.
    assert.deepStrictEqual(
      withBaseline(policy).engines.map(({ engine }) => engine),
      ["target", "predictive"]
    )
    const { proposal } = play(office, 0, { signal: "orders" })
    assert.match(proposal?.reason ?? "", /no signal with a target/u)
  })
})
