/** Seeded chance for tests that walk a large space of inputs: the seed in a failure is the whole failure. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 0
  }

  /** 0 to below 1 (mulberry32). */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** Both ends included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.float() * (most - least + 1))
  }

  chance(share: number): boolean {
    return this.float() < share
  }

  of<A>(items: ReadonlyArray<A>): A {
    const item = items[this.int(0, items.length - 1)]
    if (item === undefined && !items.includes(item as A)) throw new Error("nothing to draw from")
    return item as A
  }

  pick<A>(draws: ReadonlyArray<() => A>): A {
    return this.of(draws)()
  }

  many<A>(least: number, most: number, draw: (index: number) => A): ReadonlyArray<A> {
    return Array.from({ length: this.int(least, most) }, (_, index) => draw(index))
  }
}
