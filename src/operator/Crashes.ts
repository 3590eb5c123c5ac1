/** Which policies' actors have crashed within the last minute: together they are the health of the decision engine. */
import * as Effect from "effect/Effect"
import type { Crash } from "#operator/Facts"
import type { Health } from "#operator/Health"

export class Crashes {
  readonly #health: Health["Service"]
  readonly #messages = new Map<string, string>()

  constructor(health: Health["Service"]) {
    this.#health = health
  }

  /** Undefined: the policy's actor is well. */
  note(uid: string, crash: Crash | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (crash === undefined) this.#messages.delete(uid)
      else this.#messages.set(uid, crash.message)
      const [first] = this.#messages.values()
      return first === undefined
        ? this.#health.set("decision_engine", true, "Deciding.")
        : this.#health.set("decision_engine", false, `${this.#messages.size} policies' actors crashed: ${first}`)
    })
  }
}
