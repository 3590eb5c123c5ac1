/** The held records of one target as columns for a chart, and what can be reckoned from them: cost and forecasts. */
import { targetText } from "#dashboard/api/fleet"
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import type * as shapes from "./shapes.ts"

export interface Held {
  readonly target: string | undefined
  readonly targets: ReadonlyArray<string>
  /** Of that target alone, the oldest first. */
  readonly records: ReadonlyArray<DecisionRecord>
}

/** `records`: newest first. Undefined: none is held of the target that was asked for. */
export const heldOf = (records: ReadonlyArray<DecisionRecord>, asked: string | undefined): Held | undefined => {
  const targets = [...new Set(records.map(({ observation }) => targetText(observation.target)))].toSorted()
  const target = asked === undefined || asked === "" ? targets[0] : asked
  if (target !== undefined && target !== targets[0] && !targets.includes(target)) return undefined
  const own = records.filter(({ observation }) => targetText(observation.target) === target)
  return { target, targets, records: own.toReversed() }
}

const signalsOf = (records: ReadonlyArray<DecisionRecord>, policy: Policy | undefined): shapes.History["signals"] => {
  const names = [...new Set(records.flatMap(({ observation }) => observation.readings.map(({ signal }) => signal)))]
  return names.map((name) => {
    const signal = policy?.signals.find((each) => each.name === name)
    return {
      name,
      ...(signal?.role === undefined ? {} : { role: signal.role }),
      ...(signal?.target === undefined ? {} : { target: signal.target }),
      values: records.map(({ observation }) => {
        const reading = observation.readings.find((each) => each.signal === name)?.reading
        return reading?._tag === "Measured" ? reading.value : null
      })
    }
  })
}

/** `deciders`: the generations that made the records, so that each moment is shown with the bounds it had. */
export const historyOf = ({ records, target, targets }: Held, deciders: ReadonlyArray<Policy>): shapes.History => {
  const byGeneration = new Map(deciders.map((policy) => [policy.ref.generation, policy]))
  const bounds = records.map(({ policy }) => byGeneration.get(policy.generation)?.bounds)
  return {
    source: "records",
    ...(target === undefined ? {} : { target }),
    targets,
    at: records.map(({ observation }) => observation.at),
    current: records.map(({ observation }) => observation.state.specReplicas),
    ready: records.map(({ observation }) => observation.state.readyReplicas),
    desired: records.map(({ decision }) => decision.desired),
    recommended: records.map(({ decision }) => decision.recommended ?? null),
    min: bounds.map((each) => each?.min ?? null),
    max: bounds.map((each) => each?.max ?? null),
    signals: signalsOf(records, deciders[0]),
    marks: records.flatMap((record) => {
      const { decision, id, observation, outcome } = record
      if (outcome._tag === "Unchanged") return []
      const moved = outcome._tag === "Scaled" || outcome._tag === "Recovered"
      const from = moved ? outcome.from : observation.state.specReplicas
      const to = moved ? outcome.to : decision.desired
      return from === to ? [] : [{ at: observation.at, id, outcome: outcome._tag, from, to }]
    })
  }
}

/** Pods times hours, each count holding until the next look. */
export const podHours = (at: ReadonlyArray<number>, replicas: ReadonlyArray<number>): number => {
  let sum = 0
  for (let index = 1; index < at.length; index++) {
    sum += (replicas[index - 1] ?? 0) * (((at[index] ?? 0) - (at[index - 1] ?? 0)) / 3_600_000)
  }
  return sum
}

/** Absent where the policy names no price, or less than two looks are held. */
export const costOf = ({ records }: Held, policy: Policy | undefined): typeof shapes.Cost.Type | undefined => {
  const price = policy?.objectives.cost
  const [first] = records
  const last = records.at(-1)
  if (policy === undefined || price === undefined || first === undefined || last === undefined) return undefined
  const at = records.map(({ observation }) => observation.at)
  const hours = (last.observation.at - first.observation.at) / 3_600_000
  if (hours <= 0) return undefined
  const replicas = records.map(({ observation }) => observation.state.specReplicas)
  return {
    perPodPerHour: price.costPerPodPerHour,
    hours,
    spent: podHours(at, replicas) * price.costPerPodPerHour,
    atMaximum: hours * policy.bounds.max * price.costPerPodPerHour,
    maxMonthly: price.maxMonthlyCost
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

interface Amount {
  readonly at: number
  readonly value: number
}

const amounts = (value: unknown): ReadonlyArray<Amount> =>
  Array.isArray(value)
    ? value.flatMap((each: unknown) =>
        isObject(each) && typeof each["at"] === "number" && typeof each["value"] === "number"
          ? [{ at: each["at"], value: each["value"] }]
          : []
      )
    : []

/** What an engine that forecasts has remembered as expected: its memory is its own, so it is looked at with care. */
const expectedIn = (memory: unknown): ReadonlyArray<Amount> => {
  if (!isObject(memory)) return []
  const demand = memory["demand"]
  return amounts(isObject(demand) ? demand["expected"] : memory["expected"])
}

const NINE_IN_TEN = 0.9

/** The forecasts that the newest record holds, and how those of the records before it came true. */
export const forecastOf = ({ records }: Held, policy: Policy | undefined): typeof shapes.Forecast.Type | undefined => {
  const newest = records.at(-1)
  const engine = Object.entries(newest?.memory.engines ?? {}).find(([, memory]) => expectedIn(memory).length > 0)?.[0]
  const signal = policy?.signals.find(({ role }) => role === "demand")?.name
  if (newest === undefined || engine === undefined || signal === undefined) return undefined
  const made = new Map<number, number>()
  for (const { memory } of records) {
    for (const { at, value } of expectedIn(memory.engines[engine])) if (!made.has(at)) made.set(at, value)
  }
  const now = newest.observation.at
  const seen = records.flatMap(({ observation }): ReadonlyArray<Amount> => {
    const reading = observation.readings.find((each) => each.signal === signal)?.reading
    return reading?._tag === "Measured" ? [{ at: observation.at, value: reading.value }] : []
  })
  const errors = [...made]
    .filter(([at]) => at <= now)
    .flatMap(([at, value]) => {
      const came = seen.find((each) => each.at >= at)
      return came === undefined || came.value <= 0 ? [] : [Math.abs(value - came.value) / came.value]
    })
    .toSorted((left, right) => left - right)
  const band = errors[Math.min(errors.length - 1, Math.floor(errors.length * NINE_IN_TEN))]
  const mean = errors.reduce((sum, each) => sum + each, 0) / errors.length
  return {
    engine,
    unit: signal,
    points: [...made].filter(([at]) => at > now).map(([at, value]) => ({ at, value })),
    ...(band === undefined ? {} : { band, errorMean: mean }),
    errors: errors.length
  }
}
