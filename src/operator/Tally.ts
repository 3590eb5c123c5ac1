/** How many decisions of the last 24 hours there were and how many went well: by the hour, so that it stays small. */
import type { Outcome } from "#schemas/Decision"
import type { Millis } from "#schemas/Reading"

const HOUR_MILLIS = 3_600_000
const HOURS = 24

interface Hour {
  readonly hour: number
  total: number
  successful: number
  rewards: number
  rewarded: number
}

export interface Totals {
  readonly total: number
  readonly successful: number
  /** Absent: nothing is learned here. */
  readonly averageReward?: number
}

const NO_HOURS: ReadonlyArray<Hour> = []

export class Tally {
  #hours: ReadonlyArray<Hour> = NO_HOURS

  /** Neither refused nor left unknown is a success. */
  count(at: Millis, outcome: Outcome): void {
    const hour = this.#hourOf(at)
    hour.total++
    if (outcome._tag !== "Refused" && outcome._tag !== "Unknown") hour.successful++
  }

  reward(at: Millis, reward: number): void {
    const hour = this.#hourOf(at)
    hour.rewards += reward
    hour.rewarded++
  }

  #hourOf(at: Millis): Hour {
    const hour = Math.floor(at / HOUR_MILLIS)
    const last = this.#hours.at(-1)
    if (last?.hour === hour) return last
    const fresh = { hour, total: 0, successful: 0, rewards: 0, rewarded: 0 }
    this.#hours = [...this.#hours.filter((each) => each.hour > hour - HOURS), fresh]
    return fresh
  }

  over(at: Millis): Totals {
    const oldest = Math.floor(at / HOUR_MILLIS) - HOURS
    let total = 0
    let successful = 0
    let rewards = 0
    let rewarded = 0
    for (const hour of this.#hours) {
      if (hour.hour <= oldest) continue
      total += hour.total
      successful += hour.successful
      rewards += hour.rewards
      rewarded += hour.rewarded
    }
    return { total, successful, ...(rewarded === 0 ? {} : { averageReward: rewards / rewarded }) }
  }
}
