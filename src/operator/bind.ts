/**
 * A policy with its plugs in: every signal's and every engine's options decoded once, through the registries, so
 * that a tick only samples and proposes. What the API knows and this version has not built is found out here.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { steers } from "#domain/arbitrate"
import type { BoundEngine } from "#domain/Engine"
import { bindEngine, ENGINES, runs, withBaseline } from "#engines/index"
import type { EngineSpec, Finding, Policy, Refusal, Signal } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import { type BoundInput, bindSource, type SourceServices } from "#sources/index"

export interface BoundSignal {
  readonly signal: Signal
  readonly built: boolean
  /** What the outside is asked, to tell who asks the same; absent: what its options say. */
  readonly question?: (namespace: string) => unknown
  readonly sample: (input: BoundInput) => Effect.Effect<Reading>
}

export interface BoundPolicy {
  readonly policy: Policy
  readonly signals: ReadonlyArray<BoundSignal>
  readonly engines: ReadonlyArray<BoundEngine>
  readonly findings: ReadonlyArray<Finding>
}

/** The registries as the operator uses them; tests put their own sources in. */
export class Plugs extends Context.Service<
  Plugs,
  {
    readonly signal: (signal: Signal) => Result.Result<BoundSignal, Refusal>
    /** What its samples use. Whoever samples in a context that has these spares each sample a copy of all services. */
    readonly services?: Context.Context<never>
  }
>()("nimbusguard/operator/bind/Plugs") {
  static readonly layer = Layer.effect(
    Plugs,
    Effect.map(Effect.context<SourceServices>(), (given) => {
      const services: Context.Context<SourceServices> = Context.add(given, Given, given)
      const within = (own: Context.Context<never>) =>
        Option.contains(Context.getOption(own, Given), given)
          ? (own as Context.Context<SourceServices>)
          : Context.merge(own, services)
      return {
        services,
        signal: (signal: Signal) =>
          Result.map(bindSource(signal), ({ built, question, sample }) => ({
            signal,
            built,
            question,
            sample: (input: BoundInput) => Effect.updateContext(sample(input), within)
          }))
      }
    })
  )
}

/** By this a context says whose services it has. */
class Given extends Context.Service<Given, object>()("nimbusguard/operator/bind/Given") {}

export const bind = (plugs: Plugs["Service"], given: Policy): Result.Result<BoundPolicy, ReadonlyArray<Refusal>> => {
  const policy = withBaseline(given)
  const signals = policy.signals.map(plugs.signal)
  const engines = policy.engines.map(bindEngine)
  const refusals = [...signals.flatMap(refusalOf), ...engines.flatMap(refusalOf)]
  if (refusals.length > 0) return Result.fail(refusals)
  const bound = signals.flatMap((each) => (Result.isSuccess(each) ? [each.success] : []))
  return Result.succeed({
    policy,
    signals: bound,
    engines: engines.flatMap((each) => (Result.isSuccess(each) ? [each.success] : [])),
    findings: distinct([
      ...policy.findings,
      ...bound.flatMap(unbuiltSignal(policy)),
      ...given.engines.flatMap(idleEngine(given))
    ])
  })
}

const refusalOf = <A>(result: Result.Result<A, Refusal>): ReadonlyArray<Refusal> =>
  Result.isFailure(result) ? [result.failure] : []

const isBuilt = (engine: string): boolean =>
  Object.entries(ENGINES).some(([name, { built }]) => name === engine && built)

/** True of the operator, and of `decide`, which is given the values of all signals alike. */
const unbuiltSignal =
  (policy: Policy) =>
  ({ built, signal }: BoundSignal): ReadonlyArray<Finding> => {
    const holds = steers(policy, signal) ? ", and nothing goes down while it is" : ""
    const message = `The source ${signal.source} is not in this version yet: in a cluster the signal ${signal.name} is missing${holds}. Use prometheus with an exporter's query, or remove the signal.`
    return built ? [] : [{ reason: "NotBuilt", path: `signals.${signal.name}`, message }]
  }

const idleEngine =
  (policy: Policy) =>
  ({ engine }: EngineSpec): ReadonlyArray<Finding> => {
    const path = `engines.${engine}`
    if (!isBuilt(engine)) {
      const message = `The engine ${engine} is not in this version yet; the others steer, or target and slo where there is none.`
      return [{ reason: "NotBuilt", path, message }]
    }
    if (runs(engine, policy)) return []
    const message = `The engine ${engine} lacks signals that it needs, so the others steer, or target and slo where there is none; the description of its options names the roles.`
    return [{ reason: "Unused", path, message }]
  }

/** The decoding may have said it already. */
const distinct = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> =>
  findings.filter(
    ({ path, reason }, index) => findings.findIndex((each) => each.path === path && each.reason === reason) === index
  )
