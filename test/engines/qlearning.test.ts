/** The Q-learning engine on whole decisions: a workload in a few lines, ticks in a row, and what it may and may not do. */
import { assert, describe, it } from "vitest"
import type { BoundEngine } from "#domain/Engine"
import { carryOver, initialMemory } from "#domain/memory"
import { play } from "#domain/play"
import { withBaseline } from "#engines/index"
import { plantedTable } from "#domain/qlearningTable"
import { TRIAL_SHARE } from "#domain/trials"
import type { Decision } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Policy, QLearning } from "#schemas/Policy"
import { measured, type Reading } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import { boundEngines, limitsOf, observe, policyOf, signalOf, stateOf, watched } from "#test/domain/policies"

const RATES: QLearning = {
  learningRate: 0.1,
  discountFactor: 0.95,
  epsilonStart: 1,
  epsilonEnd: 0.01,
  epsilonDecay: 0.995,
  exploration: "Shadow"
}

const cpu = signalOf({
  name: "cpu",
  source: "resource",
  role: "utilization",
  target: { type: "Utilization", milli: 70 }
})
const latency = watched("latency", { role: "latency" })

const policyFor = (options: object, rates: Partial<QLearning> = {}, over: Partial<Policy> = {}): Policy =>
  policyOf({
    signals: [cpu, latency],
    bounds: { min: 1, max: 40 },
    limits: limitsOf({ toleranceMilli: { up: 0, down: 0 } }),
    objectives: { latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 } },
    engines: [
      { engine: "target", options: {} },
      { engine: "qlearning", options }
    ],
    qLearning: { ...RATES, ...rates },
    ...over
  })

interface Learned {
  readonly transitions: number
  readonly epsilon?: number
  readonly table: Readonly<Record<string, string>>
  readonly gate: { readonly steering: boolean; readonly demotions: number; readonly valued: number }
  readonly demotedAt?: number
  readonly last?: { readonly replicas: number }
  readonly trials?: { readonly spent: number }
}

/** Pods that each serve `perPod` of work; latency grows as they fill up and leaps when they overflow. */
class World {
  policy: Policy
  engines: ReadonlyArray<BoundEngine>
  memory: Memory
  /** Each decision is made once more, from a memory that was written down and read. */
  replays = false
  replicas: number
  at = 0
  seed = 0
  /** Milliseconds that no number of pods would mend. */
  outage = 0

  constructor(policy: Policy, replicas = 20) {
    this.policy = withBaseline(policy)
    this.engines = boundEngines(this.policy)
    this.memory = initialMemory(this.policy, 0)
    this.replicas = replicas
  }

  tick(work: number, over: Readonly<Record<string, Reading | number>> = {}): Decision {
    this.at += 15_000
    this.seed++
    const load = work / this.replicas
    const millis = this.outage + (load < 0.9 ? 40 / (1 - load * 0.9) : 1000)
    const reading: Reading = { ...measured(Math.min(100, load * 100), this.at), warmUp: true }
    const values = { cpu: reading, latency: millis, ...over }
    const observation = { ...observe(this.at, stateOf(this.replicas), values), seed: this.seed }
    const { engines, policy } = this
    const { decision, memory } = play({ policy, engines, observation, memory: this.memory })
    if (this.replays) {
      const read = JSON.parse(JSON.stringify(this.memory)) as Memory
      assert.deepStrictEqual(play({ policy, engines, observation, memory: read }).decision, decision)
    }
    this.memory = memory
    this.replicas = decision.desired
    return decision
  }

  edit(change: Partial<Policy>): void {
    this.policy = { ...this.policy, ...change }
    this.engines = boundEngines(this.policy)
    this.memory = carryOver(this.memory, this.policy).memory
  }

  /** A day's curve and a little noise, 5 to 20 busy pods. */
  run(ticks: number): ReadonlyArray<Decision> {
    return Array.from({ length: ticks }, () => {
      const day = Math.sin((this.seed / 240) * 2 * Math.PI)
      return this.tick(12 + 7 * day + Math.sin(this.seed * 12.9898) * 0.5)
    })
  }

  get learned(): Learned {
    return this.memory.engines["qlearning"] as Learned
  }
}

const proposalOf = ({ proposals }: Decision) => proposals.filter(({ engine }) => engine === "qlearning")

describe("Q-learning in shadow", () => {
  it("changes no decision, and records with each what it would have asked for", () => {
    const learning = new World(policyFor({ minimumTransitions: 100_000 }))
    const plain = new World({ ...policyFor({}), engines: [{ engine: "target", options: {} }] })
    const decisions = learning.run(700)
    const want = plain.run(700)
    assert.deepStrictEqual(
      decisions.map(({ desired, reason }) => [desired, reason]),
      want.map(({ desired, reason }) => [desired, reason])
    )
    assert.isTrue(decisions.every((decision) => proposalOf(decision).every(({ replicas }) => replicas === undefined)))
    assert.isTrue(decisions.every((decision) => proposalOf(decision)[0]?.shadow !== undefined))
    assert.match(proposalOf(decisions.at(-1) as Decision)[0]?.reason ?? "", /in shadow: 699 of 100000 .* an estimate/u)
  })

  it("changes none either among edits of the bounds, people, gaps and missing values, with whatever it was given to begin with", () => {
    const absent: Reading = { _tag: "Missing", why: "Timeout", detail: "none" }
    for (let seed = 1; seed <= 8; seed++) {
      const dice = new Dice(seed)
      const learned = dice.of([
        "",
        plantedTable(-10),
        "__proto__=1:0:9;c0m-t0r0=1:1e308:9 1:-1e308:9",
        "x".repeat(65_000)
      ])
      const learning = new World(policyFor({ learned, minimumTransitions: 100_000 }), 1)
      const plain = new World({ ...policyFor({}), engines: [{ engine: "target", options: {} }] }, 1)
      learning.replays = true
      for (let tick = 0; tick < 150; tick++) {
        const max = dice.of([1, 2, 40])
        const gap = dice.of([-90_000, 0, 900_000])
        const by = dice.int(0, 12)
        const over = dice.of([{}, {}, {}, { cpu: absent }, { latency: absent }, { latency: 0 }, { latency: 1e12 }])
        const change = dice.float()
        for (const world of [learning, plain]) {
          if (change < 0.05) world.edit({ bounds: { min: 1, max } })
          else if (change < 0.1) world.at += gap
          else if (change < 0.15) world.replicas = by
        }
        const work = dice.int(0, 30)
        const [got, want] = [learning.tick(work, over), plain.tick(work, over)]
        assert.deepStrictEqual([got.desired, got.recommended], [want.desired, want.recommended], `seed ${seed}`)
      }
      const { epsilon, table, transitions } = learning.learned
      assert.approximately(epsilon ?? 1, Math.max(0.01, 0.995 ** transitions), 1e-12)
      assert.isBelow(JSON.stringify(table).length, 65_536)
    }
  })

  it("says its epsilon as configured, before it has understood anything", () => {
    const world = new World(policyFor({}, { epsilonStart: 0.3 }))
    world.tick(10, { cpu: { _tag: "Missing", why: "Timeout", detail: "none" } })
    assert.strictEqual(world.learned.epsilon, 0.3)
  })

  it("learns from what was executed, one transition a tick, and remembers little", () => {
    const world = new World(policyFor({}))
    world.run(1000)
    assert.strictEqual(world.learned.transitions, 999)
    assert.isAbove(Object.keys(world.learned.table).length, 5)
    assert.isBelow(JSON.stringify(world.memory).length, 20_000)
  })

  it("learns nothing from ticks that were not one after the other, or that were not measured", () => {
    const world = new World(policyFor({}))
    world.run(10)
    const before = world.learned.transitions
    const decision = world.tick(10, { cpu: { _tag: "Missing", why: "Timeout", detail: "none" } })
    assert.match(proposalOf(decision)[0]?.reason ?? "", /learns nothing/u)
    world.tick(10)
    assert.strictEqual(world.learned.transitions, before)
    world.at += 3_600_000
    world.tick(10)
    assert.strictEqual(world.learned.transitions, before)
    world.tick(10)
    assert.strictEqual(world.learned.transitions, before + 1)
  })

  it("learns from what somebody else has done, too", () => {
    const world = new World(policyFor({}))
    world.run(5)
    world.replicas = 33
    world.tick(10)
    assert.strictEqual(world.learned.last?.replicas, 33)
    assert.strictEqual(world.learned.transitions, 5)
  })

  it("never lets a planted bad policy have a say", () => {
    for (const action of [-10, -3, 10]) {
      const world = new World(
        policyFor({ learned: plantedTable(action), minimumTransitions: 200 }, { learningRate: 0 })
      )
      const decisions = world.run(1200)
      assert.isAbove(world.learned.gate.valued, 200)
      assert.isFalse(
        decisions.some((decision) => proposalOf(decision).some(({ replicas }) => replicas !== undefined)),
        `always ${action}`
      )
    }
  })
})

/** Learned before: one pod fewer wherever there is room, which saves without harm where the target is generous. */
const FRUGAL = Array.from({ length: 7 }, (_, busy) =>
  Array.from({ length: 15 }, (__, rest) => `c${busy}m-t${rest % 3}r${Math.floor(rest / 3)}=-1:0:999`)
)
  .flat()
  .join(";")

/** CPU is held at 30 %, so that fewer pods are as good. */
const generous = (over: object = {}, rates: Partial<QLearning> = {}): Policy =>
  policyFor(
    { learned: FRUGAL, minimumTransitions: 200, ...over },
    { learningRate: 0, ...rates },
    {
      signals: [{ ...cpu, target: { type: "Utilization", milli: 30 } }, latency],
      bounds: { min: 1, max: 80 }
    }
  )

const promoted = (): World => {
  const world = new World(generous(), 40)
  // What fuller pods are like has to have been seen before anything can be said for it.
  for (const load of [0.45, 0.55, 0.65]) for (let tick = 0; tick < 4; tick++) world.tick(world.replicas * load)
  for (let tick = 0; tick < 3000 && !world.learned?.gate.steering; tick++) world.run(1)
  assert.isTrue(world.learned.gate.steering)
  return world
}

describe("Q-learning with a say", () => {
  it("gets it by choices that cost less and do no more harm, and stays within 20 % of the others", () => {
    const world = promoted()
    world.replays = true
    let won = 0
    for (const decision of world.run(1000)) {
      const [own] = proposalOf(decision)
      const baseline = decision.proposals.find(({ engine }) => engine === "target")?.replicas
      if (own?.replicas === undefined || baseline === undefined) continue
      assert.strictEqual(own.standing, "Replaces")
      assert.isAtLeast(own.replicas, Math.ceil(baseline * 0.8))
      assert.isAtMost(own.replicas, Math.floor(baseline * 1.2))
      assert.isAtLeast(decision.recommended ?? 0, Math.ceil(baseline * 0.8))
      if (decision.engine === "qlearning") won++
    }
    assert.isAbove(won, 10)
  })

  it("loses it by three breaches in a row, and says when", () => {
    const world = promoted()
    world.outage = 500
    world.run(2)
    assert.isTrue(world.learned.gate.steering)
    world.run(1)
    assert.isFalse(world.learned.gate.steering)
    assert.strictEqual(world.learned.gate.demotions, 1)
    assert.strictEqual(world.learned.demotedAt, world.at)
  })

  it("does not go down while an objective is near to being broken", () => {
    const world = promoted()
    world.run(50)
    const before = world.replicas
    const decision = world.tick(before * 0.2, { latency: 195 })
    assert.isAtLeast(decision.desired, before)
  })
})

describe("bounded exploration", () => {
  const bounded = (epsilon: number) => {
    const rates = { epsilonDecay: 1, epsilonStart: epsilon, epsilonEnd: epsilon, exploration: "Bounded" } as const
    return new World(policyFor({ minimumTransitions: 100_000 }, rates))
  }

  it("keeps one pod for one tick that the others give up, as often as its budget and epsilon say, and never writes", () => {
    const trials = [0.1, 1].map((epsilon) => {
      const world = bounded(epsilon)
      world.replays = epsilon === 1
      let [podTicks, tried, triedBefore] = [0, 0, false]
      for (let tick = 0; tick < 800; tick++) {
        const before = world.replicas
        const [decision] = world.run(1)
        assert.isDefined(decision)
        const { desired, engine, proposals, reason, recommended } = decision
        const tries = engine === "qlearning"
        const baseline = proposals.find((each) => each.engine === "target")?.replicas ?? 0
        podTicks += before
        assert.strictEqual(recommended, tries ? baseline + 1 : baseline)
        if (tries) {
          tried++
          assert.deepStrictEqual([desired, baseline, triedBefore], [before, before - 1, false])
          assert.match(reason, /^Q-learning keeps \d+ for one more tick/u)
        }
        triedBefore = tries
      }
      assert.isAtMost(tried, podTicks * TRIAL_SHARE)
      return tried
    })
    assert.isAbove(trials[1] ?? 0, 5)
    assert.isAbove(trials[0] ?? 0, 0)
    assert.isAbove(trials[1] ?? 0, trials[0] ?? 0)
  })

  it("tries nothing once an objective was broken, until what is allowed to be bad has made up for it", () => {
    const world = bounded(1)
    world.run(300)
    assert.isBelow(world.learned.trials?.spent ?? 1, 1)
    world.outage = 500
    world.run(40)
    world.outage = 0
    assert.isAbove(world.learned.trials?.spent ?? 1, 1)
    const decisions = world.run(600)
    const first = decisions.findIndex(({ engine }) => engine === "qlearning")
    assert.isAbove(first, 20)
    assert.isBelow(world.learned.trials?.spent ?? 1, 1)
  })
})

describe("Q-learning alone", () => {
  it("is given the targets to learn from", () => {
    const policy = withBaseline(policyOf({ signals: [cpu], engines: [{ engine: "qlearning", options: {} }] }))
    assert.deepStrictEqual(
      policy.engines.map(({ engine }) => engine),
      ["target", "qlearning"]
    )
  })
})
