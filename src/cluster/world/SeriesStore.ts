/**
 * What the world has measured: series of samples that were all taken at the same moments, the scrapes. Times are kept
 * once, values in rings of doubles, and what is older than the store is long is forgotten with its series.
 */

export type Labels = Readonly<Record<string, string>>

export const NAME = "__name__"

/** No sample: the series was not there at that scrape. Nothing that is measured is this low. */
export const HOLE = -Number.MAX_VALUE

const FIRST_SIZE = 16

export class Series {
  /** With its name among them. */
  readonly labels: Labels
  readonly bare: Labels
  /** No longer in the store. */
  dropped = false
  /** The scrape of its newest sample. */
  newest: number
  #values: Float64Array
  readonly #first: number
  readonly #sizeMax: number

  constructor(name: string, labels: Labels, scrape: number, sizeMax: number) {
    this.bare = labels
    this.labels = { [NAME]: name, ...labels }
    this.newest = scrape - 1
    this.#first = scrape
    this.#sizeMax = sizeMax
    this.#values = new Float64Array(Math.min(FIRST_SIZE, sizeMax)).fill(HOLE)
  }

  /** At this scrape, which is never older than the newest. */
  set(scrape: number, value: number): void {
    while (scrape - this.#first >= this.#values.length && this.#values.length < this.#sizeMax) this.#grow()
    const size = this.#values.length
    const skipped = Math.min(scrape - this.newest, size)
    for (let past = 1; past < skipped; past++) this.#values[(scrape - past) % size] = HOLE
    this.#values[scrape % size] = value
    this.newest = scrape
  }

  /** HOLE where there is none, or none any more. */
  at(scrape: number): number {
    const size = this.#values.length
    return scrape > this.newest || scrape <= this.newest - size || scrape < this.#first
      ? HOLE
      : (this.#values[scrape % size] ?? HOLE)
  }

  #grow(): void {
    const before = this.#values
    const size = Math.min(before.length * 4, this.#sizeMax)
    const after = new Float64Array(size).fill(HOLE)
    for (let scrape = this.#first; scrape <= this.newest; scrape++) {
      after[scrape % size] = before[scrape % before.length] ?? HOLE
    }
    this.#values = after
  }
}

export interface StoreOptions {
  /** How many scrapes are remembered. */
  readonly scrapesMax: number
}

export class SeriesStore {
  readonly #times: Float64Array
  readonly #byName = new Map<string, Array<Series>>()
  readonly #byIdentity = new Map<string, Series>()
  #scrapes = 0
  #forgotten = 0

  constructor({ scrapesMax }: StoreOptions) {
    this.#times = new Float64Array(scrapesMax)
  }

  /** Number of the newest scrape; -1 before the first. */
  get newest(): number {
    return this.#scrapes - 1
  }

  /** The oldest scrape that is still remembered. */
  get oldest(): number {
    return Math.max(0, this.#scrapes - this.#times.length)
  }

  timeOf(scrape: number): number {
    return this.#times[scrape % this.#times.length] ?? 0
  }

  get names(): ReadonlyArray<string> {
    return [...this.#byName.keys()].toSorted()
  }

  /** A new moment, after all before it: what is measured from here on belongs to it. */
  begin(atMillis: number): void {
    this.#times[this.#scrapes % this.#times.length] = atMillis
    this.#scrapes++
    if (this.#scrapes % this.#times.length === 0) this.#forget()
  }

  /** Made where there is none; kept by who measures, so that a sample costs no look-up. */
  series(name: string, labels: Labels): Series {
    const identity = JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
    const known = this.#byIdentity.get(identity)
    if (known !== undefined) return known
    const made = new Series(name, labels, Math.max(this.newest, 0), this.#times.length)
    this.#byIdentity.set(identity, made)
    const same = this.#byName.get(name)
    if (same === undefined) this.#byName.set(name, [made])
    else same.push(made)
    return made
  }

  /** The value of a series at the scrape that is now. */
  measure(series: Series, value: number): void {
    series.set(this.newest, value)
  }

  /** Only ever added to, until `epoch` changes. */
  named(name: string): ReadonlyArray<Series> {
    return this.#byName.get(name) ?? []
  }

  get epoch(): number {
    return this.#forgotten
  }

  /** The last scrape at or before this moment; undefined: none that is remembered. */
  scrapeAt(atMillis: number): number | undefined {
    let low = this.oldest
    let high = this.#scrapes
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeOf(middle) <= atMillis) low = middle + 1
      else high = middle
    }
    return low === this.oldest ? undefined : low - 1
  }

  #forget(): void {
    let gone = 0
    for (const [identity, series] of this.#byIdentity) {
      if (series.newest >= this.oldest) continue
      series.dropped = true
      this.#byIdentity.delete(identity)
      gone++
    }
    if (gone === 0) return
    this.#forgotten++
    for (const [name, all] of this.#byName) {
      const left = all.filter(({ dropped }) => !dropped)
      if (left.length === 0) this.#byName.delete(name)
      else this.#byName.set(name, left)
    }
  }
}
