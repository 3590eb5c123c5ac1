/**
 * The pods of a workload outside any cluster: created at once, ready after a start-up time that chance decides, and
 * deleted at once, those that are not ready first. A cluster has its own pods and asks only for their start-up times.
 */
import { chance } from "./Chance.ts"
import type { Seed } from "./words.ts"
import { START_SPREAD } from "./Workload.ts"

/** How long each next pod takes to be ready. */
export const startupTimes = (meanSeconds: number, seed: Seed): (() => number) => {
  const { lognormal } = chance(seed, "startup")
  return () => lognormal(meanSeconds, START_SPREAD)
}

export class Fleet {
  ready: number
  readonly #readyAt: Array<number> = []
  readonly #startupSeconds: () => number

  constructor(ready: number, startupSeconds: () => number) {
    this.ready = ready
    this.#startupSeconds = startupSeconds
  }

  get starting(): number {
    return this.#readyAt.length
  }

  /** Pods that started in time are ready in this second. */
  step(second: number): void {
    for (let index = 0; index < this.#readyAt.length;) {
      if ((this.#readyAt[index] ?? 0) <= second) {
        this.#remove(index)
        this.ready += 1
      } else index += 1
    }
  }

  scale(second: number, replicas: number): void {
    let pods = this.ready + this.#readyAt.length
    for (; pods < replicas; pods++) this.#readyAt.push(second + this.#startupSeconds())
    for (; pods > replicas; pods--) {
      if (this.#readyAt.length > 0) this.#remove(this.#latest())
      else this.ready -= 1
    }
  }

  /** The one that would be ready last. */
  #latest(): number {
    let latest = 0
    for (let index = 1; index < this.#readyAt.length; index++) {
      if ((this.#readyAt[index] ?? 0) > (this.#readyAt[latest] ?? 0)) latest = index
    }
    return latest
  }

  #remove(index: number): void {
    const last = this.#readyAt.pop()
    if (last !== undefined && index < this.#readyAt.length) this.#readyAt[index] = last
  }
}
