/**
 * The registry of engines, one line each, and the one place where an engine's options are decoded: once, when the
 * policy is bound. Its memory is decoded only when it comes from somewhere else than the engine's own last tick.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type BoundEngine, type Engine, isCompanion } from "#domain/Engine"
import { objectivesOf } from "#domain/objectives"
import { advisor } from "#engines/advisor"
import { auto } from "#engines/auto"
import { capacity } from "#engines/capacity"
import { predictive } from "#engines/predictive"
import { qlearning } from "#engines/qlearning"
import { slo } from "#engines/slo"
import { step } from "#engines/step"
import { target } from "#engines/target"
import type { EngineSpec, Policy, Refusal } from "#schemas/Policy"

export interface Plug<Options, Memory> extends Engine<Options, Memory> {
  readonly bind: (options: unknown) => Result.Result<BoundEngine, Refusal>
}

/** Keeps an engine's options, its memory and its arithmetic together, so that no caller has to know their types. */
const plug = <Options, Memory>(engine: Engine<Options, Memory>): Plug<Options, Memory> => {
  const decodeOptions = Schema.decodeUnknownResult(engine.options, { errors: "all", onExcessProperty: "error" })
  const decodeMemory = Schema.decodeUnknownResult(engine.memory)
  const encodeMemory = Schema.encodeUnknownResult(engine.memory)
  const initial = Result.getOrThrow(encodeMemory(engine.initial))
  const bound = (options: Options): BoundEngine => {
    // Encoded memory of the engine's own making, so that a tick after a tick decodes nothing.
    const known = new WeakMap<object, Memory>()
    const remember = (encoded: unknown, memory: Memory) => {
      if (typeof encoded === "object" && encoded !== null) known.set(encoded, memory)
    }
    /** Undefined: there is none, or none that can be read. */
    const recall = (encoded: unknown): Memory | undefined => {
      if (encoded === undefined) return undefined
      const own = typeof encoded === "object" && encoded !== null ? known.get(encoded) : undefined
      if (own !== undefined) return own
      const memory = Result.getOrUndefined(decodeMemory(encoded))
      if (memory !== undefined) remember(encoded, memory)
      return memory
    }
    return {
      name: engine.name,
      propose: ({ memory: encoded, ...input }) => {
        const before = recall(encoded)
        const { memory, proposals } = engine.propose({ ...input, options, memory: before ?? engine.initial })
        if (before !== undefined && memory === before) return { proposals, memory: encoded }
        if (memory === engine.initial) return { proposals, memory: initial }
        const after = Result.getOrThrow(encodeMemory(memory))
        remember(after, memory)
        return { proposals, memory: after }
      }
    }
  }
  return {
    ...engine,
    bind: (options) =>
      decodeOptions(options ?? {}).pipe(
        Result.mapBoth({
          onFailure: (error): Refusal => ({
            reason: "InvalidOptions",
            path: `engines.${engine.name}`,
            message: `The options of the engine ${engine.name} cannot be used: ${error.message}`
          }),
          onSuccess: bound
        })
      )
  }
}

export const ENGINES = {
  target: plug(target),
  step: plug(step),
  slo: plug(slo),
  predictive: plug(predictive),
  capacity: plug(capacity),
  auto: plug(auto),
  qlearning: plug(qlearning),
  advisor: plug(advisor)
}

export type EngineName = keyof typeof ENGINES

const isEngineName = (name: string): name is EngineName => Object.hasOwn(ENGINES, name)

export const bindEngine = (spec: EngineSpec): Result.Result<BoundEngine, Refusal> => {
  if (isEngineName(spec.engine)) return ENGINES[spec.engine].bind(spec.options)
  const message = `There is no engine "${spec.engine}". Use one of ${Object.keys(ENGINES).join(", ")}.`
  return Result.fail({ reason: "UnknownEngine", path: `engines.${spec.engine}`, message })
}

/** What steers while none of the named engines is built: the targets, and the objectives that something measures. */
export const baseline = (policy: Policy): ReadonlyArray<EngineSpec> => [
  ...(policy.signals.some((signal) => signal.target !== undefined) ? [{ engine: "target", options: {} }] : []),
  ...(objectivesOf(policy).length > 0 ? [{ engine: "slo", options: {} }] : [])
]

/** Whether an engine is built and has all it needs. */
export const runs = (name: string, policy: Policy): boolean => {
  if (!isEngineName(name)) return false
  const { built, suits }: Pick<Engine<never, never>, "built" | "suits"> = ENGINES[name]
  return built && suits?.(policy) !== false
}

/**
 * The policy as this version can run it. An engine that holds back by what it has learned comes without windows, so
 * what stands in for it gets the HPA's own.
 */
export const withBaseline = (policy: Policy): Policy => {
  const running = policy.engines.filter(({ engine }) => runs(engine, policy))
  const companions = running.filter(({ engine }) => isCompanion(engine))
  if (companions.length < running.length) return policy
  const { rates } = policy.limits
  const isUnheld = rates._tag === "Windows" && rates.downSeconds === 0
  return {
    ...policy,
    engines: [...baseline(policy), ...companions],
    limits: isUnheld ? { ...policy.limits, rates: { _tag: "Absent", downSeconds: 300 } } : policy.limits
  }
}
