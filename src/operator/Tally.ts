/** How many decisions of the last 24 hours there were and how many went well: by the hour, so that it stays small. */
import type { Outcome } from "#schemas/Decision"
import type { Millis } from "#schemas/Reading"

const HOUR_MILLIS = 3_600_000
const HOURS = 24

interface Hour {
  readonly hour: number
  total: number
  successful: number
}

const NO_HOURS: ReadonlyArray<Hour> = []

export class Tally {
  #hours: ReadonlyArray<Hour> = NO_HOURS

  /** Neither refused nor left unknown is a success. */
  count(at: Millis, outcome: Outcome): void {
    const hour = Math.floor(at / HOUR_MILLIS)
    let last = this.#hours.at(-1)
    if (last?.hour !== hour) {
      last = { hour, total: 0, successful: 0 }
      this.#hours = [...this.#hours.filter((each) => each.hour > hour - HOURS), last]
    }
    last.total++
    if (outcome._tag !== "Refused" && outcome._tag !== "Unknown") last.successful++
  }

  over(at: Millis): { readonly total: number; readonly successful: number } {
    const oldest = Math.floor(at / HOUR_MILLIS) - HOURS
    let total = 0
    let successful = 0
    for (const hour of this.#hours) {
      if (hour.hour <= oldest) continue
      total += hour.total
      successful += hour.successful
    }
    return { total, successful }
  }
}
