/**
 * A failing scenario made small: halves of its faults are taken away, then single ones, then policies with their
 * targets, for as long as it still fails in the same property. What is left is read in a minute and kept for ever.
 */
import type { Scenario } from "#simulation/Scenario"

/** Whether the scenario still fails as it did. */
export type StillFails = (scenario: Scenario) => boolean

/** Each try is a whole run. */
const TRIES_MAX = 60

export const shrink = (failing: Scenario, stillFails: StillFails, triesMax: number = TRIES_MAX): Scenario => {
  let tries = 0
  let best = failing
  const attempt = (smaller: Scenario): boolean => {
    if (tries >= triesMax) return false
    tries++
    if (!stillFails(smaller)) return false
    best = smaller
    return true
  }
  const fewer = <A>(items: (of: Scenario) => ReadonlyArray<A>, keeping: (kept: ReadonlyArray<A>) => Scenario): void => {
    for (let size = Math.ceil(items(best).length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < items(best).length && tries < triesMax;) {
        const all = items(best)
        const kept = [...all.slice(0, from), ...all.slice(from + size)]
        if (kept.length === all.length || !attempt(keeping(kept))) from += size
      }
    }
  }
  fewer(
    ({ faults }) => faults,
    (faults) => ({ ...best, faults })
  )
  fewer(
    ({ policies }) => policies,
    (policies) => withPolicies(best, policies)
  )
  return best
}

/** A target that nobody scales is not looked at. */
const withPolicies = (scenario: Scenario, policies: Scenario["policies"]): Scenario => {
  const named = new Set(policies.flatMap(({ targets }) => targets))
  return { ...scenario, policies, targets: scenario.targets.filter(({ name }) => named.has(name)) }
}
