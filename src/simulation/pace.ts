/** How fast an operator may scale, judged by the log of writes and by the clock that is kindest to it. */
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy, ScalingRules } from "#schemas/Policy"
import type { Clocks } from "#simulation/Clocks"
import type { Property } from "#simulation/Property"
import { isFreed, type Write } from "#simulation/Write"

interface Broken {
  readonly property: Property
  readonly detail: string
}

interface Change {
  /** As early and as late as the writer or any leader since may have taken it for. */
  readonly earliest: number
  readonly latest: number
  /** Earlier still by the clock most ahead: what is out of a period by that one may have been forgotten. */
  readonly forgotten: number
  /** What it may count for: what was written, and what whoever found it took it for. */
  readonly changes: readonly [number, ...Array<number>]
  /** Whoever found it last could not tell from where it went, and lets neither direction go on so soon. */
  readonly isEither: boolean
}

interface Past {
  readonly writes: ReadonlyArray<Write>
  readonly clocks: Clocks
}

/** What of cooldown, step and rates the write has broken. */
export const paceBroken = (
  { decision, observation }: DecisionRecord,
  write: Write,
  { limits, ref }: Policy,
  { clocks, writes }: Past
): ReadonlyArray<Broken> => {
  if (isFreed(decision) || decision.engine === "bounds") return []
  const { from, target, to } = write
  const { at } = observation
  const before = writes.flatMap((each): ReadonlyArray<Change> => {
    const { record } = each
    if (each === write || each.uid !== write.uid || record?.policy.uid !== ref.uid || each.at > write.at) return []
    const told = record.observation.at
    const committed = at - (write.at - each.at)
    const { leastMillis, mostMillis } = clocks.since(each.at)
    // What lies ahead of a clock counts as now, and goes on to the next leader as that.
    const earliest = Math.min(told, committed, each.at + leastMillis)
    const latest = Math.min(at, Math.max(told, committed, ...each.finds.map((found) => found.at)))
    const aheadMillis = Math.max(0, write.at + mostMillis - at)
    const changes = [each.to - each.from, ...each.finds.map(({ change }) => change)] as const
    const isEither = each.finds.at(-1)?.change === 0
    return [{ earliest, latest, forgotten: earliest - aheadMillis, changes, isEither }]
  })
  const since = (some: ReadonlyArray<Change>) => at - (some.at(-1)?.earliest ?? Number.NEGATIVE_INFINITY)
  const { cooldown, rates, step } = limits
  const went = `${target} went from ${from} to ${to}`
  const broken: Array<Broken> = []
  const waited =
    to > from
      ? since(before.filter(({ changes, isEither }) => isEither || changes.every((change) => change > 0)))
      : since(before)
  const wait = (to > from ? cooldown.upSeconds : cooldown.downSeconds) * 1000
  if (waited < wait) {
    const detail = `${went} ${waited} ms after the last change; the cooldown is ${wait} ms`
    broken.push({ property: "cooldowns are kept", detail })
  }
  if (to - from > (step.up ?? Infinity) || from - to > (step.down ?? Infinity)) {
    broken.push({ property: "steps are kept", detail: `${went} in one step` })
  }
  if (rates._tag !== "Behavior") return broken
  const most = allowance(rates.scaleUp, from, at, before, 1)
  const least = allowance(rates.scaleDown, from, at, before, -1)
  if (to > from ? to > Math.max(most, from, 1) : to < Math.min(least, from)) {
    broken.push({ property: "rates are kept", detail: `${went}; the rates allow ${least}..${most}` })
  }
  return broken
}

const allowance = (
  rules: ScalingRules,
  from: number,
  at: number,
  writes: ReadonlyArray<Change>,
  direction: 1 | -1
): number => {
  if (rules.selectPolicy === "Disabled") return from
  const allowed = rules.policies.map(({ periodSeconds, type, value }) => {
    const begin = at - periodSeconds * 1000
    // A change the same way uses the rate up, one the other way frees it: what is kind is another for each.
    const kindest = direction > 0 ? Math.min : Math.max
    const counts = writes.map(({ changes, forgotten, latest }) =>
      kindest(...(forgotten > begin ? [] : [0]), ...(latest > begin ? changes : []))
    )
    const start = from - counts.reduce((sum, count) => sum + count, 0)
    if (type === "Pods") return start + direction * value
    const moved = start * (1 + (direction * value) / 100)
    return direction > 0 ? Math.ceil(moved) : Math.trunc(moved)
  })
  const widest = (rules.selectPolicy === "Max") === direction > 0
  return widest ? Math.max(...allowed) : Math.min(...allowed)
}
