/** The largest recommendation of the last seconds: nothing goes down for a lull. */

export interface Stabilizer {
  (second: number, replicas: number): number
  readonly forget: () => void
}

export const stabilizer = (windowSeconds: number): Stabilizer => {
  let seen: Array<{ readonly second: number; readonly replicas: number }> = []
  const largest = (second: number, replicas: number): number => {
    seen = seen.filter((one) => one.second >= second - windowSeconds)
    seen.push({ second, replicas })
    return seen.reduce((most, one) => Math.max(most, one.replicas), 0)
  }
  return Object.assign(largest, {
    forget: () => {
      seen = []
    }
  })
}
