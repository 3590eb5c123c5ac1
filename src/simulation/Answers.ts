/**
 * What one operator was told, question by question: the newest answers and whether they could be believed. The checkers
 * judge by these and not by what the operator made of them.
 */
import type { FaultKind } from "#simulation/Fault"

export interface Told {
  readonly at: number
  /** Undefined: nothing that could be a number. */
  readonly value: number | undefined
}

/** As many as can come within a tick's deadline. */
const KEPT = 16

export class Answers {
  readonly #told = new Map<string, Array<Told>>()
  readonly #spoilt = new Map<string, { readonly kind: FaultKind; left: number }>()

  readonly tell = (key: string, at: number, value: number | undefined): void => {
    const told = this.#told.get(key) ?? []
    this.#told.set(key, told)
    if (told.push({ at, value }) > KEPT) told.shift()
  }

  readonly since = (key: string, at: number): ReadonlyArray<Told> =>
    (this.#told.get(key) ?? []).filter((told) => told.at >= at)

  /** The same question goes wrong so many times. */
  readonly spoil = (key: string, kind: FaultKind, times: number): void =>
    void this.#spoilt.set(key, { kind, left: times })

  readonly takeSpoilt = (key: string): FaultKind | undefined => {
    const spoilt = this.#spoilt.get(key)
    if (spoilt === undefined) return undefined
    spoilt.left--
    if (spoilt.left <= 0) this.#spoilt.delete(key)
    return spoilt.kind
  }
}
