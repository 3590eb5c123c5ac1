/**
 * What has changed of the fleet since a reader last heard: a number for every change, so that a reader that was away
 * goes on where it was, and one that is slow hears of the last state only. It looks at the ledger when it is asked,
 * and costs nothing while nobody watches.
 */
import type { PolicyView } from "#operator/Ledger"
import type { Row } from "./shapes.ts"

interface Entry {
  readonly view: PolicyView
  readonly row: Row
  readonly changedAt: number
}

export interface Since {
  readonly rows: ReadonlyArray<Row>
  readonly gone: ReadonlyArray<string>
  readonly cursor: string
}

/** A reader that was away for longer than this many deletions begins anew. */
const GONE_KEPT = 1_000

export class Feed {
  readonly #boot: string
  readonly #entries = new Map<string, Entry>()
  #gone: Array<{ readonly uid: string; readonly at: number }> = []
  #forgotten = 0
  #count = 0

  /** `boot`: differs from one start of the operator to the next, since the numbers begin anew. */
  constructor(boot: string) {
    this.#boot = boot
  }

  /** Whether the view is the one of the last look. */
  knows(view: PolicyView): boolean {
    return this.#entries.get(view.ref.uid)?.view === view
  }

  /** `rows`: of the views that it does not know. */
  look(views: ReadonlyMap<string, PolicyView>, rows: ReadonlyMap<string, Row>): void {
    for (const [uid, view] of views) {
      const row = rows.get(uid)
      if (row === undefined) continue
      this.#count += 1
      this.#entries.set(uid, { view, row, changedAt: this.#count })
    }
    if (this.#entries.size === views.size) return
    for (const uid of this.#entries.keys()) {
      if (views.has(uid)) continue
      this.#entries.delete(uid)
      this.#count += 1
      this.#gone.push({ uid, at: this.#count })
    }
    for (const { at } of this.#gone.splice(0, this.#gone.length - GONE_KEPT)) this.#forgotten = at
  }

  get cursor(): string {
    return `${this.#boot}-${this.#count}`
  }

  get rows(): ReadonlyArray<Row> {
    return [...this.#entries.values()].map(({ row }) => row)
  }

  /** Undefined: the cursor is another operator's or too old, and the reader has to begin anew. */
  since(cursor: string): Since | undefined {
    const at = this.#read(cursor)
    if (at === undefined || at < this.#forgotten || at > this.#count) return undefined
    if (at === this.#count) return { rows: [], gone: [], cursor }
    const changed = [...this.#entries.values()].filter(({ changedAt }) => changedAt > at)
    const gone = this.#gone.filter((each) => each.at > at && !this.#entries.has(each.uid))
    return { rows: changed.map(({ row }) => row), gone: gone.map(({ uid }) => uid), cursor: this.cursor }
  }

  #read(cursor: string): number | undefined {
    const dash = cursor.lastIndexOf("-")
    const count = cursor.slice(dash + 1)
    return cursor.slice(0, dash) === this.#boot && /^\d{1,15}$/u.test(count) ? Number(count) : undefined
  }
}
