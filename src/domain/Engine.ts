/**
 * The contract of an engine: options and memory are its own schemas, `propose` is pure. One file in src/engines
 * and one line in its index add one.
 */
import type * as Schema from "effect/Schema"
import type { Proposal } from "#schemas/Decision"
import type { Observation } from "#schemas/Observation"
import type { Policy, Signal } from "#schemas/Policy"
import type { Millis, Reading } from "#schemas/Reading"

export interface EngineInput<Options, Memory> {
  readonly policy: Policy
  readonly observation: Observation
  readonly options: Options
  readonly memory: Memory
  /** Time has passed unseen since the last tick: what the memory says has lasted may have ended in between. */
  readonly resumed: boolean
  /** Every signal of the policy with its reading, in the policy's order. */
  readonly signals: ReadonlyArray<{ readonly signal: Signal; readonly reading: Reading }>
  /** What the engines that steer by themselves have proposed; only for a companion of theirs. */
  readonly others?: ReadonlyArray<Proposal>
  /** When a trial of a companion last took place. */
  readonly triedAt?: Millis | undefined
}

export interface EngineOutput<Memory> {
  readonly proposals: ReadonlyArray<Proposal>
  readonly memory: Memory
}

export interface Engine<Options, Memory> {
  readonly name: string
  readonly description: string
  /** Decoded side is what `propose` gets; encoded side is what the CRD shows under `engines[].<name>`. */
  readonly options: Schema.Codec<Options, unknown>
  readonly memory: Schema.Codec<Memory, unknown>
  readonly initial: Memory
  /** Options in the encoded form, used by contract tests and the docs. */
  readonly example: unknown
  /** False: the API accepts it, this version does not run it yet. */
  readonly built: boolean
  /** Whether the policy has what this engine cannot do without; absent: it always has. */
  readonly suits?: (policy: Policy) => boolean
  readonly propose: (input: EngineInput<Options, Memory>) => EngineOutput<Memory>
}

const COMPANIONS: ReadonlySet<string> = new Set(["predictive", "qlearning", "advisor"])

/** Weighs in on what others propose: asked after them, and never alone. */
export const isCompanion = (engine: string): boolean => COMPANIONS.has(engine)

/** An engine with its options decoded and its types closed over: what `decide` runs. */
export interface BoundEngine {
  readonly name: string
  readonly propose: (
    input: Omit<EngineInput<never, never>, "options" | "memory"> & { readonly memory: unknown }
  ) => EngineOutput<unknown>
}
