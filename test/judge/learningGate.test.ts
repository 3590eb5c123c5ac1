/** Q-learning on a load that is long enough to be promoted: it gets no say, learned or planted, and so costs nothing. */
import { assert, describe, it } from "vitest"
import type { Memory } from "#schemas/Memory"
import { ownFile, type Own } from "#judge/entrants"
import { policyRival } from "#judge/policyRival"
import { PLANTED } from "#judge/quality"
import { run } from "#judge/run"
import { scored } from "#judge/score"
import { web } from "#test/judge/world"

/** Waves of ten minutes between three pods and fifteen, so that pods come and go all the time. */
const waves = web((second) => 350 - 250 * Math.cos(second / 100), 3_000)
/** A fifth of what a policy gets that says nothing, so that the gate could open while there is load left. */
/** The same pace without the depths, which no objective breaks over. */
const calm = web((second) => 350 - 50 * Math.cos(second / 100), 6_000)
const MINIMUM = 100

const played = (own: Own, load = waves) => {
  let engines: Memory["engines"] = {}
  const { changes, podHours, violations } = run(
    load,
    policyRival(ownFile(load.workload, own), (memory) => void (engines = memory.engines))
  )
  return { engines, played: { changes, podHours, violations } }
}

const gateOf = ({ engines }: ReturnType<typeof played>) =>
  (engines["qlearning"] as { readonly gate: { readonly steering: boolean; readonly proven: number } }).gate

describe("learning, judged", () => {
  const off = played({})

  it.each([
    ["learns by itself", {}],
    ["has a bad policy planted", PLANTED]
  ])("changes nothing where it %s, though it has taken all the transitions that it needs", (_, learning) => {
    const on = played({ qLearning: { ...learning, minimumTransitions: MINIMUM } })
    assert.isAtLeast(gateOf(on).proven, 2 * MINIMUM)
    assert.isFalse(gateOf(on).steering)
    assert.deepStrictEqual(on.played, off.played)
  })

  it("would be noticed: what keeps pods that the others give up changes replicas, within the half point that learning may cost", () => {
    const off = played({}, calm)
    const on = played({ qLearning: { exploration: "Bounded" } }, calm)
    assert.notDeepEqual(on.played, off.played)
    const scoreOf = ({ played: { changes, podHours, violations } }: ReturnType<typeof played>) =>
      scored({ podHours, violations, changesPerHour: (changes.length * 3600) / calm.seconds }, off.played.podHours)
        .score
    assert.isAtLeast(scoreOf(on), scoreOf(off) - 0.5)
  })
})
