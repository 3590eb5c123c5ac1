/** What trials may cost, by adversaries who take as many as they get and keep the pods as long as they can. */
import { assert, describe, it } from "vitest"
import { decide } from "#domain/decide"
import type { BoundEngine } from "#domain/Engine"
import { type Account, account, BLAME_MAX_MILLIS, mayTry, TRIAL_SHARE, trialIn, type Trials } from "#domain/trials"
import type { Proposal, Step } from "#schemas/Decision"
import { Dice } from "#test/domain/Dice"
import { wildCourse } from "#test/domain/wild"

const INTERVAL = 15_000

const seen = (over: Partial<Account> = {}): Account => ({
  at: 0,
  replicas: 10,
  intervalMillis: INTERVAL,
  baseline: 9,
  strain: 0,
  triedAt: undefined,
  ...over
})

const rich: Trials = { at: 0, replicas: 10, credit: 100, spent: 0 }

describe("a trial", () => {
  it("is for one pod that the others give up alone, of which the credit pays for a tick", () => {
    assert.isTrue(mayTry(rich, seen()))
    assert.isFalse(mayTry({ ...rich, credit: 14 }, seen()))
    assert.isFalse(mayTry({ ...rich, open: { without: 9, since: 0 } }, seen()))
    for (const baseline of [undefined, 8, 10, 11]) assert.isFalse(mayTry(rich, seen({ baseline })))
    for (const strain of [1.1, undefined]) assert.isFalse(mayTry(rich, seen({ strain })))
    assert.isFalse(mayTry({ ...rich, spent: 1 }, seen()))
    assert.isFalse(mayTry(rich, seen({ replicas: 1, baseline: 0 })))
  })

  it("is paid for until its pod is gone, or the others ask for more, or an hour has passed", () => {
    const next = (before: Trials, over: Partial<Account>) => account(before, seen({ triedAt: 0, ...over }))
    const first = next(rich, { at: INTERVAL })
    assert.deepStrictEqual(first.open, { without: 9, since: 0 })
    assert.approximately(first.credit, 100 - 15 + 10 * 15 * TRIAL_SHARE, 1e-9)
    assert.isUndefined(next(first, { at: 2 * INTERVAL, replicas: 9 }).open)
    assert.isUndefined(next(first, { at: 2 * INTERVAL, baseline: 11 }).open)
    const kept = next(first, { at: 2 * INTERVAL, baseline: 10 })
    assert.approximately(kept.credit, 100 - 30 + 20 * 15 * TRIAL_SHARE, 1e-9)
    assert.isUndefined(next(kept, { at: BLAME_MAX_MILLIS, baseline: 10 }).open)
  })

  it("has no credit to begin with, saves up little, and earns nothing in a gap", () => {
    assert.strictEqual(account(undefined, seen()).credit, 0)
    let trials = account(undefined, seen({ replicas: 1000 }))
    for (let at = 0; at < 4_000_000; at += INTERVAL) trials = account(trials, seen({ at, replicas: 1000 }))
    assert.strictEqual(trials.credit, 120)
    const poor = { ...trials, credit: 1 }
    assert.strictEqual(account(poor, seen({ at: trials.at + 10 * INTERVAL })).credit, 1)
  })

  it("has to wait until the bad answers of an hour are fewer than what is allowed", () => {
    let trials = account(undefined, seen())
    assert.isFalse(mayTry({ ...trials, credit: 100 }, seen()))
    const after = (minutes: number, strain: number | undefined) => {
      for (let tick = 0; tick < minutes * 4; tick++)
        trials = account(trials, seen({ at: trials.at + INTERVAL, strain }))
      return trials.spent
    }
    assert.approximately(after(1, 0.5), 1, 0.01)
    assert.isBelow(trials.spent, 1)
    assert.isAbove(after(2, 100), 4)
    const before = trials.spent
    assert.strictEqual(after(10, undefined), before)
    assert.isAbove(after(60, 0), 1)
    assert.isBelow(after(40, 0), 1)
  })

  /** Whoever can takes a trial, and the world keeps its pod as long as it likes. */
  const played = (dice: Dice, keeps: number) => {
    let trials: Trials | undefined
    let [at, replicas, podSeconds, extraSeconds, taken] = [0, dice.int(2, 60), 0, 0, 0]
    let triedAt: number | undefined
    let without: number | undefined
    let since = 0
    for (let tick = 0; tick < 4000; tick++) {
      const baseline =
        without !== undefined && replicas === without + 1 ? without : replicas - dice.of([0, 1, 1, -1, 3])
      const now = seen({ at, replicas, baseline: Math.max(0, baseline), strain: dice.chance(0.01) ? 10 : 0.5, triedAt })
      trials = account(trials, now)
      const tries = mayTry(trials, now)
      const passed = INTERVAL / 1000
      podSeconds += replicas * passed
      if (tries) [triedAt, without, since, taken] = [at, replicas - 1, at, taken + 1]
      at += INTERVAL
      if (tries || (without !== undefined && dice.chance(keeps))) {
        if (at - since <= BLAME_MAX_MILLIS) extraSeconds += passed
        continue
      }
      without = undefined
      replicas = Math.max(1, Math.min(60, now.baseline ?? 1))
      if (replicas < 3) replicas += dice.int(0, 30)
    }
    return { extraSeconds, podSeconds, taken }
  }

  it("never uses more than its share of the pods, where each pod goes when it is asked to", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { extraSeconds, podSeconds, taken } = played(new Dice(seed), 0)
      assert.isAbove(taken, 2, `seed ${seed}`)
      assert.isAtMost(extraSeconds, TRIAL_SHARE * podSeconds, `seed ${seed}`)
    }
  })

  it("never uses more than its share and the one trial that was not paid yet, where pods stay as long as they like", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { extraSeconds, podSeconds } = played(new Dice(seed), new Dice(seed).of([0.5, 0.9, 0.99, 1]))
      assert.isAtMost(extraSeconds, TRIAL_SHARE * podSeconds + BLAME_MAX_MILLIS / 1000, `seed ${seed}`)
    }
  })
})

describe("a trial in a decision", () => {
  const trial: Proposal = { engine: "qlearning", replicas: 10, raiseOnly: false, standing: "Tries", reason: "tries" }

  it("takes place only where one pod is given up and no limiter has said anything", () => {
    assert.strictEqual(trialIn([trial], { current: 10, desired: 9, steps: [] }), trial)
    const step: Step = { limiter: "Cooldown", before: 8, after: 9, reason: "too soon" }
    assert.isUndefined(trialIn([trial], { current: 10, desired: 9, steps: [step] }))
    for (const desired of [8, 10, 11]) assert.isUndefined(trialIn([trial], { current: 10, desired, steps: [] }))
    assert.isUndefined(trialIn([{ ...trial, replicas: 9 }], { current: 10, desired: 9, steps: [] }))
  })

  /** Asks for a trial at every tick, whatever is the matter. */
  const eager: BoundEngine = {
    name: "qlearning",
    propose: ({ observation }) => ({
      proposals: [{ ...trial, replicas: observation.state.specReplicas }],
      memory: null
    })
  }

  it("never writes, and changes nothing else than that one pod is not given up, in a thousand wild courses", () => {
    let kept = 0
    for (let seed = 1; seed <= 1000; seed++) {
      for (const { decided, engines, from, policy, record } of wildCourse(new Dice(seed), seed, 6)) {
        const { memory, observation } = record
        const tried = decide({ policy, engines: [...engines, eager], observation, memory })
        const { decision } = decided
        if (tried.decision.engine !== "qlearning") {
          assert.deepStrictEqual({ ...tried.decision, proposals: decision.proposals }, decision, `seed ${seed}`)
          assert.deepStrictEqual(tried.memory, decided.memory)
          continue
        }
        kept++
        assert.deepStrictEqual([decision.desired, decision.steps], [from - 1, []], `seed ${seed}`)
        assert.strictEqual(tried.decision.desired, from)
        for (const { name } of policy.signals) {
          const reading = observation.readings.find(({ signal }) => signal === name)?.reading
          assert.strictEqual(reading?._tag, "Measured", `seed ${seed}`)
        }
        assert.deepStrictEqual(tried.memory, { ...decided.memory, triedAt: observation.at })
      }
    }
    assert.isAbove(kept, 20)
  })
})
