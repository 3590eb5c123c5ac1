import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { bindEngine, runs, withBaseline } from "#engines/index"
import type { Observation } from "#schemas/Observation"
import type { Policy, Role } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import { observe, policyOf, stateOf, type Values, watched } from "#test/domain/policies"
import { learnsBesideAPendingPod, learnsFromNoOtherPods, learnsWithoutOneSample } from "#test/engines/otherPods"

const ROLES: ReadonlyArray<Role> = ["demand", "served", "utilization", "backlog", "badFraction"]
const signals = ROLES.map((role) => watched(role, { role, worksAtZero: role === "demand" || role === "backlog" }))
const latency = { latency: { targetMs: 500, goodFraction: 0.99 }, startupSeconds: 30 }
const engines = [{ engine: "auto", options: {} }]
const web = policyOf({ signals, engines, objectives: latency, intervalMillis: 5000 })
const worker = policyOf({
  signals,
  engines,
  objectives: { queue: { drainSeconds: 60 }, startupSeconds: 20 },
  intervalMillis: 5000,
  bounds: { min: 0, max: 100 }
})

const bound = () => Result.getOrThrow(bindEngine({ engine: "auto", options: {} }))

const tickWith = (policy: Policy) => {
  const engine = bound()
  let memory: unknown
  return (at: number, replicas: number, ready: number, values: Values, resumed = false) => {
    const observation: Observation = observe(at, stateOf(replicas, { readyReplicas: ready }), values)
    const readings = policy.signals.map((signal, index) => ({
      signal,
      reading: observation.readings[index]?.reading ?? missing("NotGiven", "none")
    }))
    const output = engine.propose({ policy, observation, signals: readings, resumed, memory })
    memory = output.memory
    return output.proposals[0]
  }
}

const serving = (demand: number, ready: number): Values => {
  const load = Math.min(1, demand / (40 * ready))
  return {
    demand,
    served: Math.min(demand, 40 * ready),
    utilization: load * 100,
    backlog: 0,
    badFraction: Math.exp(-18 * (1 - load))
  }
}

/** After ten minutes of a steady load on so many pods. */
const settled = () => {
  const tick = tickWith(web)
  for (let at = 0; at < 600_000; at += 5000) tick(at, 10, 10, serving(280, 10))
  return tick
}

describe("auto", () => {
  it("keeps the replicas until it knows what a pod serves", () => {
    assert.strictEqual(tickWith(web)(0, 10, 10, serving(280, 10))?.replicas, 10)
  })

  it("says nothing of replicas while a signal that it needs is missing, and names it", () => {
    const tick = settled()
    for (const role of ROLES) {
      const proposal = tick(600_000, 10, 10, { ...serving(10, 10), [role]: null })
      assert.isUndefined(proposal?.replicas)
      assert.strictEqual(proposal?.signal, role)
    }
  })

  it("needs no share of bad requests where there are none", () => {
    const tick = settled()
    assert.isNumber(tick(600_000, 10, 10, { ...serving(0, 10), badFraction: null })?.replicas)
  })

  it("takes none of the pods away that it finds, until it has seen what they are for", () => {
    const tick = tickWith(web)
    for (let at = 0; at <= 30_000; at += 5000) {
      assert.strictEqual(tick(at, 10, 10, serving(100, 10))?.replicas, 10)
    }
    for (let at = 35_000; at < 180_000; at += 5000) tick(at, 10, 10, serving(100, 10))
    assert.isBelow(tick(180_000, 10, 10, serving(100, 10))?.replicas ?? 99, 10)
  })

  it("learns what a pod serves from no samples that look back to when there were other pods", () => {
    learnsFromNoOtherPods("auto", web, (ready) => serving(280, ready))
  })

  it("learns what the ready pods serve however long another finds no node", () => {
    learnsBesideAPendingPod("auto", web, (ready) => serving(280, ready))
  })

  it("learns what the ready pods serve though one of them has no sample", () => {
    learnsWithoutOneSample("auto", web, (ready) => serving(280, ready))
  })

  it("holds what was there for a while after a restart", () => {
    const tick = settled()
    assert.isAtMost(tick(605_000, 10, 10, serving(280, 10))?.replicas ?? 99, 12)
    assert.strictEqual(tick(900_000, 40, 40, serving(280, 40), true)?.replicas, 40)
    assert.strictEqual(tick(905_000, 40, 40, serving(280, 40))?.replicas, 40)
    assert.isBelow(tick(1_000_000, 40, 40, serving(280, 40))?.replicas ?? 99, 40)
  })

  it("orders more than is needed while too few are ready, and cancels the rest when enough are", () => {
    const tick = settled()
    const ordered = tick(600_000, 10, 10, { ...serving(800, 10), backlog: 400 })?.replicas ?? 0
    assert.isAbove(ordered, 40)
    assert.isAtLeast(tick(605_000, ordered, 10, { ...serving(800, 10), backlog: 400 })?.replicas ?? 0, ordered)
    const kept = tick(635_000, ordered, 26, serving(800, 26))?.replicas ?? 0
    assert.isBelow(kept, ordered)
    assert.isAtLeast(kept, 26)
  })

  it("asks for more of everything where the objective is tighter", () => {
    const need = (goodFraction: number) => {
      const tick = tickWith({ ...web, objectives: { latency: { targetMs: 500, goodFraction } } })
      let replicas = 10
      for (let at = 0; at < 1_200_000; at += 5000)
        replicas = tick(at, replicas, replicas, serving(280, replicas))?.replicas ?? 0
      return replicas
    }
    assert.isAbove(need(0.999), need(0.99))
    assert.isAtLeast(need(0.99), need(0.95))
  })

  it("holds what it had for as long as a restart costs, which is some time however fast pods start", () => {
    const heldSeconds = (startupSeconds: number) => {
      const tick = tickWith({ ...web, objectives: { ...latency, startupSeconds } })
      let at = 0
      for (; at < 600_000; at += 5000) tick(at, 10, 10, serving(280, 10))
      while ((tick(at, 10, 10, serving(120, 10))?.replicas ?? 0) >= 10) at += 5000
      return at / 1000 - 600
    }
    assert.isAtLeast(heldSeconds(2), 20)
    assert.isAbove(heldSeconds(60), heldSeconds(2) + 30)
  })

  it("starts one pod for the first message, and lets the last one go when the queue has been silent", () => {
    const tick = tickWith(worker)
    const idle = { demand: 0, served: null, utilization: null, backlog: 0, badFraction: null }
    assert.strictEqual(tick(0, 0, 0, { ...idle, backlog: 5 })?.replicas, 1)
    const busy = { demand: 10, served: 10, utilization: 50, backlog: 4, badFraction: null }
    for (let at = 5000; at < 100_000; at += 5000) tick(at, 4, 4, busy)
    let replicas = 4
    for (let at = 100_000; at < 400_000; at += 5000) {
      const pods = replicas > 0 ? { served: 0, utilization: 0 } : {}
      replicas = tick(at, replicas, replicas, { ...idle, ...pods })?.replicas ?? -1
    }
    assert.strictEqual(replicas, 0)
  })

  it("proposes whole replicas whatever is measured", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const dice = new Dice(seed)
      const tick = tickWith(dice.chance(0.5) ? web : worker)
      for (let at = 0; at < 300_000; at += 5000) {
        const value = () => (dice.chance(0.1) ? null : dice.of([0, 1, 50, 500, 1e6, 1e300]) * dice.float())
        const values = Object.fromEntries(ROLES.map((role) => [role, value()]))
        const replicas = tick(at, dice.of([0, 1, 7, 100]), dice.of([0, 1, 7, 100]), values)?.replicas
        assert.isTrue(replicas === undefined || (Number.isSafeInteger(replicas) && replicas >= 0), String(replicas))
      }
    }
  })

  it("learns how long pods take to start where nobody says, and looks as far ahead", () => {
    const ahead = (startupSeconds: number) => {
      const tick = tickWith({ ...web, objectives: { latency: { targetMs: 500, goodFraction: 0.99 } } })
      let replicas = 10
      let ready = 10
      let due = Infinity
      let reason = ""
      for (let at = 0; at < 900_000; at += 5000) {
        if (at >= due) ready = replicas
        ready = Math.min(ready, replicas)
        const proposal = tick(at, replicas, ready, serving(at < 300_000 ? 280 : 420, ready))
        const wanted = proposal?.replicas ?? replicas
        if (wanted > replicas) due = at + startupSeconds * 1000
        replicas = wanted
        reason = proposal?.reason ?? ""
      }
      return Number(/in (\d+) s/u.exec(reason)?.[1])
    }
    assert.closeTo(ahead(120), 154, 15)
    assert.isBelow(ahead(15), 40)
  })

  it("is ready for a surge that comes by the clock", () => {
    const tick = tickWith(web)
    const HOUR = 3_600_000
    const demandAt = (at: number) => (at % HOUR >= 600_000 && at % HOUR < 900_000 ? 840 : 280)
    let replicas = 10
    for (let at = 0; at < 2 * HOUR + 560_000; at += 5000) {
      replicas = tick(at, replicas, replicas, serving(demandAt(at), replicas))?.replicas ?? replicas
    }
    assert.isAbove(tick(2 * HOUR + 570_000, replicas, replicas, serving(280, replicas))?.replicas ?? 0, 22)
  })

  it("follows pods that serve less than they did", () => {
    const tick = settled()
    const before = tick(600_000, 10, 10, serving(280, 10))?.replicas ?? 0
    const slower = { demand: 280, served: 280, utilization: 100 * (280 / (28 * 14)), backlog: 0, badFraction: 0.001 }
    for (let at = 605_000; at < 640_000; at += 5000) tick(at, 14, 14, slower)
    const after = tick(640_000, 14, 14, slower)?.replicas ?? 0
    assert.isAbove(after, before * 1.15)
  })

  it("steers by the use of the CPU where nothing else is measured, and takes full pods for more than full", () => {
    const cpu = policyOf({
      signals: [watched("cpu", { role: "utilization" })],
      engines,
      objectives: latency,
      intervalMillis: 15_000
    })
    const tick = tickWith(cpu)
    for (let at = 0; at < 600_000; at += 15_000) tick(at, 10, 10, { cpu: 70 })
    const calm = tick(600_000, 10, 10, { cpu: 70 })?.replicas ?? 0
    assert.closeTo(calm, 10, 1)
    assert.isAbove(tick(615_000, 10, 10, { cpu: 100 })?.replicas ?? 0, 2 * calm)
  })

  it("remembers little, however long it runs and whatever happens", () => {
    const dice = new Dice(9)
    const engine = bound()
    let memory: unknown
    for (let at = 0; at < 6_000_000; at += 5000) {
      const values = serving(280 * (at % 400_000 < 200_000 ? 1 : 3) * (0.5 + dice.float()), 20)
      const observation = observe(at, stateOf(dice.of([10, 20, 40]), { readyReplicas: 20 }), values)
      const readings = web.signals.map((signal, index) => ({
        signal,
        reading: observation.readings[index]?.reading ?? missing("NotGiven", "none")
      }))
      ;({ memory } = engine.propose({ policy: web, observation, signals: readings, resumed: false, memory }))
    }
    assert.isBelow(JSON.stringify(memory).length, 9000)
  })

  it("leaves a policy to the baseline whose promise is kept by something else that is measured", () => {
    const without = (...roles: ReadonlyArray<Role>) => ({
      ...web,
      signals: signals.filter(({ role }) => role !== undefined && !roles.includes(role))
    })
    const blind = without("utilization")
    assert.deepStrictEqual([runs("auto", web), runs("auto", worker), runs("auto", blind)], [true, true, false])
    assert.isTrue(runs("auto", without("demand", "served", "backlog", "badFraction")))
    assert.isFalse(runs("auto", without("demand", "badFraction")))
    const slow = {
      ...without("demand", "backlog"),
      signals: [...signals.slice(2, 3), watched("p95", { role: "latency" })]
    }
    assert.isFalse(runs("auto", slow))
    const aged = { ...worker, signals: [...signals.slice(2, 3), watched("oldest", { role: "age" })] }
    assert.isFalse(runs("auto", aged))
    assert.deepStrictEqual(withBaseline(web).engines, engines)
    assert.notDeepEqual(withBaseline(blind).engines, engines)
    const input = { policy: blind, observation: observe(0, stateOf(3)), signals: [], resumed: false, memory: undefined }
    assert.deepStrictEqual(bound().propose(input).proposals, [])
  })
})
