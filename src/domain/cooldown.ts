/**
 * Waiting after a write: up from the last write that went up, down from the last write in either direction. A write of a
 * clock that was ahead may lie in the future, and makes no wait longer than twice itself.
 */
import type { Step } from "#schemas/Decision"
import type { Millis } from "#schemas/Reading"
import type { Limit } from "./Situation.ts"

export const cool: Limit = (value, { at, current, memory, policy }) => {
  const { downSeconds, upSeconds } = policy.limits.cooldown
  const wait = (since: Millis | undefined, seconds: number, what: string): Step | undefined => {
    const millis = seconds * 1000
    const left = since === undefined || since - at > millis ? 0 : since + millis - at
    if (left <= 0) return undefined
    const reason = `${Math.ceil(Math.min(left, millis) / 1000)} of ${seconds} s since the last ${what} are left`
    return { limiter: "Cooldown", before: value, after: current, reason }
  }
  if (value > current) return wait(memory.lastUpAt, upSeconds, "scaling up")
  if (value < current) return wait(memory.lastWriteAt, downSeconds, "scaling")
  return undefined
}
