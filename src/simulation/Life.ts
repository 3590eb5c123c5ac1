/** One process of an operator on its machine, from its start to its end, as its ports know it. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

export type Ending =
  /** On the spot: nothing leaves it any more, and then it is interrupted. */
  | { readonly how: "killed"; readonly awaySeconds: number }
  /** It is told to stop and tidies up. */
  | { readonly how: "stopped"; readonly awaySeconds: number }

export class Life {
  /** Unique in the run: the machine's name and the number of this life. */
  readonly name: string
  readonly machine: Machine
  readonly ending = Deferred.makeUnsafe<Ending>()
  /** Until then nothing that it sends arrives, and nothing that is sent to it. */
  lostUntil = 0
  #isDead = false

  constructor(name: string, machine: Machine) {
    this.name = name
    this.machine = machine
  }

  /** Its ports are cut. */
  get isDead(): boolean {
    return this.#isDead
  }

  readonly end = (ending: Ending): void => {
    if (Effect.runSync(Deferred.isDone(this.ending))) return
    if (ending.how === "killed") this.#isDead = true
    Deferred.doneUnsafe(this.ending, Effect.succeed(ending))
  }
}

/** A wall clock that may be wrong; the monotonic one is right. */
export interface Machine {
  readonly name: string
  offsetMillis: number
}
