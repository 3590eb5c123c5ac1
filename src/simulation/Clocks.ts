/**
 * What the wall clocks of those who led were apart. A write is as old as the clocks make it that have been looked at
 * since: one that is behind takes it for now, one that is ahead forgets it sooner, and what either makes of it stays.
 */
import type { Millis } from "#schemas/Reading"

/** Who has lost the Lease may still write for so long. */
export const LINGERING_MILLIS = 15_000

interface Setting {
  readonly at: Millis
  readonly offsetMillis: number
}

interface Term {
  readonly machine: string
  readonly from: Millis
  until: Millis
}

export interface Offsets {
  readonly leastMillis: number
  readonly mostMillis: number
}

export class Clocks {
  /** By machine, each until the next one. */
  readonly #settings = new Map<string, Array<Setting>>()
  readonly #terms: Array<Term> = []

  /** From now on the machine's clock is so far ahead. */
  readonly set = (machine: string, at: Millis, offsetMillis: number): void => {
    const settings = this.#settings.get(machine) ?? []
    this.#settings.set(machine, [...settings, { at, offsetMillis }])
  }

  /** From now on it leads; undefined: nobody does. */
  readonly led = (machine: string | undefined, at: Millis): void => {
    const last = this.#terms.at(-1)
    if (last !== undefined) last.until = Math.min(last.until, at)
    if (machine !== undefined) this.#terms.push({ machine, from: at, until: Number.POSITIVE_INFINITY })
  }

  /** Of all clocks that were a leader's at any moment since then. */
  readonly since = (at: Millis): Offsets => {
    const machines = new Set(
      this.#terms.flatMap(({ machine, until }) => (until + LINGERING_MILLIS > at ? [machine] : []))
    )
    const offsets = [...machines].flatMap((machine) =>
      (this.#settings.get(machine) ?? []).flatMap(({ offsetMillis }, index, all) =>
        (all[index + 1]?.at ?? Number.POSITIVE_INFINITY) > at ? [offsetMillis] : []
      )
    )
    return offsets.length === 0
      ? { leastMillis: 0, mostMillis: 0 }
      : { leastMillis: Math.min(...offsets), mostMillis: Math.max(...offsets) }
  }

  /** All of them told the same time. */
  readonly agreed = (at: Millis): boolean => {
    const { leastMillis, mostMillis } = this.since(at)
    return leastMillis === mostMillis
  }
}
