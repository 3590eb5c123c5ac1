/** What is worth looking at of many outcomes: those that no other betters in both bad answers and pods. */

/** Those that no other betters in both. */
export const paretoFront = <One extends { readonly violations: number; readonly podHours: number }>(
  all: ReadonlyArray<One>
): ReadonlyArray<One> => {
  let cheapestYet = Infinity
  return all
    .toSorted((a, b) => a.violations - b.violations || a.podHours - b.podHours)
    .filter((one) => {
      const isCheaper = one.podHours < cheapestYet
      if (isCheaper) cheapestYet = one.podHours
      return isCheaper
    })
}

/** Pod-hours at a share of bad answers, between the points of a front; undefined where none is so good. */
export const podHoursAt = (
  front: ReadonlyArray<{ readonly violations: number; readonly podHours: number }>,
  violations: number
): number | undefined => {
  const log = (share: number) => Math.log(Math.max(share, 1e-5))
  const above = front.findIndex((one) => one.violations >= violations)
  const [low, high] = above < 0 ? [front.at(-1), undefined] : [front[above - 1], front[above]]
  if (low === undefined) return high !== undefined && high.violations === violations ? high.podHours : undefined
  if (high === undefined) return low.podHours
  const width = log(high.violations) - log(low.violations)
  const part = width <= 0 ? 1 : Math.min(1, Math.max(0, (log(violations) - log(low.violations)) / width))
  return low.podHours + (high.podHours - low.podHours) * part
}
