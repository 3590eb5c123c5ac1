/** What a simulation holds the operator to, each property by its name; the docs explain them and a test compares. */
import * as Data from "effect/Data"

export const PROPERTIES = {
  "replicas stay inside the bounds":
    "of a generation of the policy that is current, or was within the time that a silent watch may take",
  "one policy writes a target": "the oldest of those that name it",
  "nobody writes without the Lease":
    "at the moment of the commit, but for the seconds after somebody took the Lease by force",
  "nothing goes down blindly":
    "while no answer to a signal that steers was a number, or none was asked for, whatever the operator made of it",
  "cooldowns are kept": "by the log of writes, across restarts and leaders",
  "steps are kept": "no write is larger than one step may be",
  "rates are kept": "no period sees more than its rate allows",
  "advice only adds":
    "a pod or a quarter to what the same decision without it recommends, and it never lowers what is decided",
  "a record replays to its decision": "from the observation, the memory and the policy that it holds",
  "each write has one record": "never two, never one without a write, and none is missing once all is calm",
  "generations only rise": "no status speaks of a generation that is not there yet",
  "it converges": "within a bounded time after the last fault every policy is where the same seed without faults is",
  "nothing is left running": "no fiber outlives the run",
  "time goes on": "nothing stalls, spins without time moving, or leaves the simulated world"
} as const satisfies Readonly<Record<string, string>>

export type Property = keyof typeof PROPERTIES

export class Violation extends Data.TaggedError("Violation")<{ readonly property: Property; readonly detail: string }> {
  override get message() {
    return `${this.property}: ${this.detail}`
  }
}
