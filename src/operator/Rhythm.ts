/**
 * Where in its interval each policy ticks. Those that ask the same thing tick together, so that one answer serves them
 * all while it is new; the others are spread by chance that is the same in every operator and after every restart.
 */
import { hashOf } from "#domain/hash"
import type { Millis } from "#schemas/Reading"

/** So many ticks are done well within the time that an answer is shared; a larger crowd would be late by itself. */
const TOGETHER_MAX = 256

/** Steps of so much of a circle leave no part of it empty, however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

export class Rhythm {
  readonly #members = new Map<string, number>()

  /** The share of the interval, from 0 to 1, at which whoever asks this ticks. */
  join(question: string): number {
    const before = this.#members.get(question) ?? 0
    this.#members.set(question, before + 1)
    const start = Number.parseInt(hashOf(question).slice(0, 8), 16)
    return ((start + Math.floor(before / TOGETHER_MAX)) * GOLDEN) % 1
  }

  leave(question: string): void {
    const left = (this.#members.get(question) ?? 0) - 1
    if (left > 0) this.#members.set(question, left)
    else this.#members.delete(question)
  }

  get size(): number {
    return this.#members.size
  }
}

/** One policy's place in it. */
export class Place {
  readonly #rhythm: Rhythm
  #question: string
  #phase: number

  constructor(rhythm: Rhythm, question: string) {
    this.#rhythm = rhythm
    this.#question = question
    this.#phase = rhythm.join(question)
  }

  /** To those who ask the same from now on. */
  move(question: string): void {
    if (question === this.#question) return
    this.leave()
    this.#question = question
    this.#phase = this.#rhythm.join(question)
  }

  leave(): void {
    this.#rhythm.leave(this.#question)
  }

  /** The next tick is at least half an interval away; what has been missed is skipped. */
  next(now: Millis, intervalMillis: number): Millis {
    const first = this.#phase * intervalMillis
    return Math.ceil(first + Math.ceil((now + intervalMillis / 2 - first) / intervalMillis) * intervalMillis)
  }
}
