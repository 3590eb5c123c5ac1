/** The product against an independent reading of the HPA's rules, over courses that are drawn to hit every edge. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { drawCourse, hpaSpecOf } from "#test/domain/hpaCourse"
import { DIVERGENCES, weDecide } from "#test/domain/hpaDivergences"
import { Hpa } from "#test/domain/hpaReference"

/** How many ticks agree, and the first that does not, if any. */
const race = (seed: number, count: number): { readonly compared: number; readonly difference?: string } => {
  let hpa: Hpa | undefined
  const { ticks } = drawCourse(seed, count)
  for (const [index, { decision, policy, tick }] of ticks.entries()) {
    hpa ??= new Hpa(hpaSpecOf(policy))
    hpa.spec = hpaSpecOf(policy)
    const wanted = hpa.tick(tick)
    if (decision.desired === wanted) continue
    const { metrics, spec } = tick
    const difference = `seed ${seed} tick ${index}: from ${spec} the HPA wants ${wanted}, we ${decision.desired} (${decision.reason}) ${JSON.stringify(policy.limits)} ${JSON.stringify(metrics)}`
    return { compared: index, difference }
  }
  return { compared: ticks.length }
}

describe("decide", () => {
  it("decides as the HPA does, over 30,000 ticks of 600 policies", () => {
    let compared = 0
    for (let seed = 1; seed <= 600; seed++) {
      const result = race(seed, 50)
      assert.isUndefined(result.difference)
      compared += result.compared
    }
    assert.strictEqual(compared, 30_000)
  })

  it.each(DIVERGENCES)("differs from the HPA as docs/HPA.md says: $row", (divergence) => {
    const { hpa, ours } = divergence
    assert.deepStrictEqual(weDecide(divergence).slice(-ours.length), ours)
    assert.notDeepEqual(hpa, ours)
  })

  it("differs in nothing that docs/HPA.md does not list, row by row", () => {
    const page = readFileSync(new URL("../../docs/HPA.md", import.meta.url), "utf8")
    const [, section = ""] = page.split("## Different, and why")
    const rows = [...section.matchAll(/^\| (?<cell>[^|]+?) \|/gmu)].map((match) => match.groups?.["cell"] ?? "")
    assert.deepStrictEqual(
      rows.slice(1),
      DIVERGENCES.map(({ row }) => row)
    )
  })
})
