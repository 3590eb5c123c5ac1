/** A policy with other bounds, targets or another engine: as `decide` takes it, and as the YAML that would make it so. */
import * as Result from "effect/Result"
import { stringify } from "yaml"
import { bindEngine, ENGINES, runs } from "#engines/index"
import type { Kind, Policy, Signal } from "#schemas/Policy"
import { formatMilli } from "#schemas/quantity"
import type { WhatIfQuestion } from "./shapes.ts"

/** The other kinds say in their own fields what a signal is held at, and which arithmetic answers to it. */
const isWhole = ({ ref }: Policy): boolean => ref.kind === "ScalingPolicy"

/** One that has to be told its options, as `step` its rules, cannot be chosen by its name. */
const isEnough = (engine: string): boolean => Result.isSuccess(bindEngine({ engine, options: {} }))

/** Engines that could decide this policy; none where the kind prescribes one. */
export const enginesFor = (policy: Policy): ReadonlyArray<string> =>
  isWhole(policy) ? Object.keys(ENGINES).filter((name) => isEnough(name) && runs(name, policy)) : []

/** A name that is not asked for another target, or twice, is a mistake and not a wish. */
const targeted = (policy: Policy, { signals = [] }: WhatIfQuestion): Result.Result<ReadonlyArray<Signal>, string> => {
  for (const { name } of signals) {
    const found = policy.signals.find((signal) => signal.name === name)
    if (found === undefined) return Result.fail(`The policy has no signal ${name}`)
    if (found.target === undefined) return Result.fail(`The signal ${name} has no target: it is only observed`)
  }
  return Result.succeed(
    policy.signals.map((signal) => {
      const milli = signals.find(({ name }) => name === signal.name)?.milli
      return milli === undefined || signal.target === undefined
        ? signal
        : { ...signal, target: { ...signal.target, milli } }
    })
  )
}

export const asWished = (policy: Policy, question: WhatIfQuestion): Result.Result<Policy, string> => {
  const min = question.min ?? policy.bounds.min
  const max = question.max ?? policy.bounds.max
  if (min > max) return Result.fail(`min ${min} is greater than max ${max}: give a min that is not`)
  const { engine } = question
  if (!isWhole(policy) && (engine !== undefined || (question.signals ?? []).length > 0)) {
    return Result.fail(`Of a ${policy.ref.kind} only the bounds can be tried: its kind says how it decides`)
  }
  if (engine !== undefined && !enginesFor(policy).includes(engine)) {
    const known = enginesFor(policy).join(", ")
    return Result.fail(`${engine} cannot decide this policy; ${known === "" ? "no engine" : known} can`)
  }
  return Result.map(targeted(policy, question), (signals) => ({
    ...policy,
    bounds: { min, max },
    signals,
    engines: engine === undefined ? policy.engines : [{ engine, options: {} }]
  }))
}

const BOUNDS: Readonly<Record<Kind, (bounds: Partial<Policy["bounds"]>) => object>> = {
  ScalingPolicy: ({ max, min }) => ({ minReplicas: min, maxReplicas: max }),
  IntelligentScaling: ({ max, min }) => ({ min_replicas: min, max_replicas: max }),
  ScalingRule: ({ max, min }) => ({ minReplicas: min, maxReplicas: max }),
  GeneralScaler: ({ max, min }) => ({ minReplicas: min, maxReplicas: max })
}

const targetOf = ({ name, target }: Signal): object => ({
  name,
  ...(target === undefined
    ? {}
    : {
        target: {
          type: target.type,
          value: target.type === "Utilization" ? String(target.milli) : formatMilli(target.milli)
        }
      })
})

const targetMilli = ({ target }: Signal): number | undefined => target?.milli

/** Undefined: nothing is different. Only what is different is in it, so that server-side apply leaves the rest alone. */
export const yamlOf = (before: Policy, after: Policy): string | undefined => {
  const { apiVersion, kind, name, namespace } = after.ref
  const changed = after.signals.filter((signal, index) => {
    const old = before.signals[index]
    return old !== undefined && targetMilli(old) !== targetMilli(signal)
  })
  const bounds: Partial<Policy["bounds"]> = {
    ...(before.bounds.min === after.bounds.min ? {} : { min: after.bounds.min }),
    ...(before.bounds.max === after.bounds.max ? {} : { max: after.bounds.max })
  }
  const engines = before.engines === after.engines ? [] : after.engines.map(({ engine }) => ({ [engine]: {} }))
  if (Object.keys(bounds).length + changed.length + engines.length === 0) return undefined
  // The default signal is not in the object, and one that is named there would have to name its source too.
  const implied = changed.find(({ isDefault }) => isDefault === true)
  const told = changed.filter((signal) => signal !== implied)
  const scaling = {
    ...(Object.keys(bounds).length === 0 ? {} : BOUNDS[kind](bounds)),
    ...(implied === undefined ? {} : { targetCpuUtilization: targetMilli(implied) })
  }
  const spec = {
    ...(Object.keys(scaling).length === 0 ? {} : kind === "ScalingPolicy" ? { scaling } : scaling),
    ...(told.length === 0 ? {} : { signals: told.map(targetOf) }),
    ...(engines.length === 0 ? {} : { engines })
  }
  return stringify({ apiVersion, kind, metadata: { name, namespace }, spec }, { keepUndefined: false })
}

export const APPLY_COMMAND = "kubectl apply --server-side --force-conflicts --field-manager=nimbusguard-what-if -f -"
