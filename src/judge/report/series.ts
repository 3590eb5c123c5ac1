/** Seconds as the few points that a plot has room for. */

export type Fold = "mean" | "max" | "sum"

export const POINTS = 700

/** How many seconds one point stands for. */
export const widthOf = (seconds: number): number => Math.max(1, Math.ceil(seconds / POINTS))

export const folded = (numbers: ArrayLike<number>, fold: Fold): ReadonlyArray<number> => {
  const width = widthOf(numbers.length)
  const points: Array<number> = []
  for (let from = 0; from < numbers.length; from += width) {
    const to = Math.min(numbers.length, from + width)
    let [sum, most] = [0, Number.NEGATIVE_INFINITY]
    for (let index = from; index < to; index++) {
      const value = numbers[index] ?? 0
      sum += value
      most = Math.max(most, value)
    }
    points.push(fold === "max" ? most : fold === "sum" ? sum : sum / (to - from))
  }
  return points
}
