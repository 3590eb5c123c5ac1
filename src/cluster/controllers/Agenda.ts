/**
 * What the controllers have to look at, now or later. Level-triggered: an entry is only a key, so that ten changes of
 * one object are one look, and whoever looks decides from what is there then.
 */

export interface Stage {
  readonly name: string
  /** Looks at one object by its key and does what is due. */
  readonly look: (key: string) => void
}

interface Alarm {
  readonly atMillis: number
  readonly order: number
  readonly stage: string
  readonly key: string
}

const LOOKS_MAX = 1_000_000

const isBefore = (a: Alarm, b: Alarm): boolean =>
  a.atMillis === b.atMillis ? a.order < b.order : a.atMillis < b.atMillis

export class Agenda {
  readonly #stages: ReadonlyArray<Stage>
  readonly #due: ReadonlyMap<string, Set<string>>
  readonly #wake: () => void
  /** A binary heap, the next alarm first. */
  readonly #alarms: Array<Alarm> = []
  #made = 0

  /** Stages in the order in which they look, as far as it is known: pods before those who count them. */
  constructor(stages: ReadonlyArray<Stage>, wake: () => void) {
    this.#stages = stages
    this.#due = new Map(stages.map(({ name }) => [name, new Set<string>()]))
    this.#wake = wake
  }

  mark(stage: string, key: string): void {
    this.#due.get(stage)?.add(key)
    this.#wake()
  }

  markAt(atMillis: number, stage: string, key: string): void {
    const alarm = { atMillis, order: this.#made++, stage, key }
    let place = this.#alarms.push(alarm) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#alarms[parent] ?? alarm
      if (!isBefore(alarm, above)) break
      this.#alarms[place] = above
      place = parent
    }
    this.#alarms[place] = alarm
    this.#wake()
  }

  get nextMillis(): number | undefined {
    return this.#alarms[0]?.atMillis
  }

  /** Looks until nothing is due any more. */
  settle(nowMillis: number): void {
    while ((this.nextMillis ?? Infinity) <= nowMillis) {
      const alarm = this.#pop()
      if (alarm !== undefined) this.#due.get(alarm.stage)?.add(alarm.key)
    }
    for (let looks = 0; ;) {
      const stage = this.#stages.find(({ name }) => (this.#due.get(name)?.size ?? 0) > 0)
      if (stage === undefined) return
      const due = this.#due.get(stage.name)
      const keys = [...(due ?? [])]
      due?.clear()
      for (const key of keys) stage.look(key)
      looks += keys.length
      if (looks > LOOKS_MAX) throw new Error(`the controllers never come to rest: ${stage.name} ${keys[0] ?? ""}`)
    }
  }

  #pop(): Alarm | undefined {
    const [first] = this.#alarms
    const last = this.#alarms.pop()
    if (last === undefined || this.#alarms.length === 0) return first
    let place = 0
    for (;;) {
      const left = 2 * place + 1
      const right = left + 1
      const [one, two] = [this.#alarms[left], this.#alarms[right]]
      const child = two !== undefined && one !== undefined && isBefore(two, one) ? right : left
      const next = this.#alarms[child]
      if (next === undefined || !isBefore(next, last)) break
      this.#alarms[place] = next
      place = child
    }
    this.#alarms[place] = last
    return first
  }
}
