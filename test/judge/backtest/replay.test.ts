import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { type Known, replayOf } from "#judge/backtest/replay"
import type { Remembered } from "#judge/backtest/history"
import { compare } from "#judge/comparison"
import { loadOf } from "#workload/Load"
import { capacityOf } from "#workload/Workload"
import { NONE, policyFile, remembered, REQUESTS, steps } from "#test/judge/backtest/world"
import { referenceOf } from "#judge/clairvoyant"

const KNOWN: Known = {
  workers: undefined,
  serviceMs: undefined,
  startupSeconds: undefined,
  sloMs: undefined,
  drainSeconds: undefined,
  rivals: ["hpa"]
}

const replay = (known: Partial<Known> = {}, change: Partial<Remembered> = {}, file = policyFile(REQUESTS)) =>
  replayOf(file, remembered(change), { ...KNOWN, ...known })
const replayed = (...of: Parameters<typeof replay>) => Result.getOrThrowWith(replay(...of), (why) => why)

describe("a replay", () => {
  it("is of the demand that was, on pods that serve what they served", () => {
    const { scenario } = replayed()
    assert.strictEqual(scenario.seconds, 3_600)
    assert.closeTo(capacityOf(scenario.workload), 40, 0.1)
    assert.closeTo(scenario.traffic(1_800), 283, 4)
    assert.deepStrictEqual([scenario.workload.minReplicas, scenario.workload.maxReplicas], [2, 30])
  })

  it("has the policy, the suggestion, what ran there and the rivals, and comes to figures for all", () => {
    const { entrants, scenario } = replayed({}, { hpa: steps(() => 12) })
    const load = loadOf(scenario, 7)
    const reference = referenceOf(load)
    const shown = entrants.map((entrant) => compare(load, reference, entrant))
    assert.deepStrictEqual(
      shown.map(({ title }) => title),
      ["shop", "Suggested", "The HPA that ran there", "HPA"]
    )
    assert.closeTo(shown[2]?.scored.podHours ?? 0, 12, 0.1)
    for (const { scored } of shown) assert.isAbove(scored.score, 20)
  })

  it("says what it had to assume of the pods", () => {
    assert.match(replayed().notes.join("\n"), /A pod is taken to serve 40 per second, as it did/u)
    const guessed = replayed({}, { cpu: NONE }).notes.join("\n")
    assert.match(guessed, /Unknown: what a pod serves\. It is taken to be 40 per second/u)
    const told = replayed({ workers: 2, serviceMs: 20 }, { cpu: NONE }).scenario.workload
    assert.strictEqual(capacityOf(told), 100)
    assert.match(replayed({}, { replicas: NONE, ready: NONE, cpu: NONE }).notes.join("\n"), /nobody recorded them/u)
  })

  it("takes no longer for each than is promised, or says what to do", () => {
    const slow = replay({ sloMs: 300 }, { cpu: steps(() => 0.9), ready: steps(() => 200) })
    assert.match(
      Result.isFailure(slow) ? slow.failure : "",
      /takes longer for each than the 300 ms.*--workers and --service-ms/u
    )
  })

  it("has no pods that work on parts of something", () => {
    const half = replay({ workers: 2.5 })
    assert.strictEqual(Result.isFailure(half) ? half.failure : "", "--workers must be a whole number, and is 2.5.")
  })

  it("warns of a peak beyond the bounds, and suggests larger ones", () => {
    const { notes, suggestion } = replayed(
      {},
      { signals: new Map([["requests", steps((step) => (step === 9 ? 2_000 : 280 + (step % 3)))]]) }
    )
    assert.match(
      notes.join("\n"),
      /The peak keeps \d+ pods busy, and the policy allows 30\. Others are played with up to 7\d/u
    )
    assert.match(suggestion ?? "", /maxReplicas: 7[5-9]/u)
  })

  it("lets the policy see nothing where nothing was recorded", () => {
    const holes = new Map([["requests", steps((step) => (step >= 100 && step < 140 ? Number.NaN : 280 + (step % 3)))]])
    assert.deepStrictEqual(replayed({}, { signals: holes }).scenario.workload.lost.blackouts, [
      { fromSeconds: 1_500, seconds: 600 }
    ])
  })
})
