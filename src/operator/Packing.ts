/**
 * Which policy's memory is in which ConfigMap. Pure bookkeeping: entries stay where they are while they fit, a new
 * one goes to the first that has room, so that ten policies need one object and ten thousand need no more than they
 * fill.
 */

export interface Limits {
  /** A shard takes new entries up to this. */
  readonly fullChars: number
  /** An entry that grows may push its shard up to this before it has to move. */
  readonly mostChars: number
}

/** What to change in one shard: a text to put, undefined to take away. */
export type Patch = ReadonlyMap<string, string | undefined>

interface Shard {
  readonly entries: Map<string, number>
  chars: number
}

export class Packing {
  readonly #limits: Limits
  readonly #prefix: string
  readonly #shards = new Map<string, Shard>()
  readonly #homes = new Map<string, string>()

  constructor(prefix: string, limits: Limits) {
    this.#prefix = prefix
    this.#limits = limits
  }

  /** Notes what is there already. */
  readonly found = (name: string, key: string, chars: number): void => {
    const home = this.#homes.get(key)
    if (home !== undefined && home !== name) this.#take(home, key)
    this.#put(name, key, chars)
  }

  readonly homeOf = (key: string): string | undefined => this.#homes.get(key)

  get keys(): ReadonlyArray<string> {
    return [...this.#homes.keys()]
  }

  /** True: nothing is in it any more. */
  readonly isEmpty = (name: string): boolean => (this.#shards.get(name)?.entries.size ?? 0) === 0

  /** Decides where each entry goes and answers what that changes, shard by shard; homes before what they replace. */
  readonly place = (entries: ReadonlyMap<string, string | undefined>): ReadonlyMap<string, Patch> => {
    const puts = new Map<string, Map<string, string | undefined>>()
    const removals: Array<readonly [string, string]> = []
    const patchOf = (name: string) => puts.get(name) ?? puts.set(name, new Map()).get(name) ?? new Map()
    for (const [key, text] of entries) {
      const home = this.#homes.get(key)
      const next = text === undefined ? undefined : this.#fits(home, key, text.length)
      if (home !== undefined && home !== next) {
        this.#take(home, key)
        removals.push([home, key])
      }
      if (next === undefined || text === undefined) continue
      this.#put(next, key, text.length)
      patchOf(next).set(key, text)
    }
    for (const [name, key] of removals) patchOf(name).set(key, undefined)
    return puts
  }

  #fits(home: string | undefined, key: string, chars: number): string {
    const { fullChars, mostChars } = this.#limits
    const shard = home === undefined ? undefined : this.#shards.get(home)
    if (home !== undefined && shard !== undefined) {
      const others = shard.chars - (shard.entries.get(key) ?? 0)
      if (others === 0 || others + chars <= mostChars) return home
    }
    for (const [name, { chars: taken }] of this.#shards) {
      if (name !== home && (taken === 0 || taken + chars <= fullChars)) return name
    }
    let number = this.#shards.size
    while (this.#shards.has(`${this.#prefix}${number}`)) number++
    return `${this.#prefix}${number}`
  }

  #put(name: string, key: string, chars: number): void {
    const shard = this.#shards.get(name) ?? { entries: new Map<string, number>(), chars: 0 }
    this.#shards.set(name, shard)
    shard.chars += chars - (shard.entries.get(key) ?? 0)
    shard.entries.set(key, chars)
    this.#homes.set(key, name)
  }

  #take(name: string, key: string): void {
    const shard = this.#shards.get(name)
    if (shard === undefined) return
    shard.chars -= shard.entries.get(key) ?? 0
    shard.entries.delete(key)
    if (this.#homes.get(key) === name) this.#homes.delete(key)
  }
}
