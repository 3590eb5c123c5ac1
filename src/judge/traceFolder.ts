/**
 * A folder of traces as scenarios: `scenarios.json` says of each CSV what kind of pods stand behind it. docs/QUALITY.md
 * lists the fields.
 */
import * as Result from "effect/Result"
import type { Scenario } from "#workload/Load"
import { readTrace, trafficOf } from "#workload/trace"
import { WEB, type Workload } from "#workload/Workload"

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const numberOf = (json: Json, field: string, absent: number): number => {
  const value = json[field]
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : absent
}

export interface TraceEntry {
  readonly name: string
  readonly file: string
  readonly plant: Json
}

/** What is listed; the failure says what is wrong with the list. */
export const listOf = (content: string): Result.Result<ReadonlyArray<TraceEntry>, string> => {
  let list: unknown
  try {
    list = JSON.parse(content)
  } catch {
    return Result.fail("scenarios.json is not JSON")
  }
  if (!isJson(list)) return Result.fail("scenarios.json is not an object of scenarios by name")
  const entries = Object.entries(list).flatMap(([name, plant]) => {
    if (!isJson(plant)) return []
    const file = plant["file"]
    return [{ name, plant, file: `${typeof file === "string" ? file : name}.csv` }]
  })
  return entries.length === 0
    ? Result.fail("scenarios.json holds no scenario: give an object of them by the names of their CSVs")
    : Result.succeed(entries)
}

const pairsOf = (value: unknown): ReadonlyArray<readonly [number, number]> =>
  Array.isArray(value)
    ? value.flatMap((pair: unknown) => {
        if (!Array.isArray(pair)) return []
        const [part, amount]: ReadonlyArray<unknown> = pair
        return typeof part === "number" && typeof amount === "number" ? [[part, amount] as const] : []
      })
    : []

const workloadOf = (plant: Json, seconds: number): Workload => ({
  kind: plant["kind"] === "queue" ? "queue" : "http",
  workers: numberOf(plant, "c", WEB.workers),
  serviceSeconds: numberOf(plant, "S", WEB.serviceSeconds),
  objectiveSeconds: numberOf(plant, "T", WEB.objectiveSeconds),
  startupSeconds: numberOf(plant, "D", WEB.startupSeconds),
  pool: Math.max(1, numberOf(plant, "pool", WEB.pool)),
  timeoutSeconds: numberOf(plant, "timeout", WEB.timeoutSeconds),
  minReplicas: numberOf(plant, "min", WEB.minReplicas),
  maxReplicas: numberOf(plant, "max", WEB.maxReplicas),
  drift: pairsOf(plant["drift"]).map(([part, factor]) => ({ fromSeconds: Math.floor(part * seconds), factor })),
  lost: {
    share: numberOf(plant, "dropout", 0),
    blackouts: pairsOf(plant["blackout"]).map(([part, length]) => ({
      fromSeconds: Math.floor(part * seconds),
      seconds: length
    }))
  }
})

/** What no pods could be, by the names that the list has for it. */
const problemOf = (workload: Workload): string | undefined => {
  const { kind, maxReplicas, minReplicas, objectiveSeconds, pool, serviceSeconds, workers } = workload
  const whole = Object.entries({ c: workers, pool, max: maxReplicas }).find(
    ([, value]) => !Number.isInteger(value) || value < 1
  )
  if (whole !== undefined) return `${whole[0]} is ${whole[1]}; give a whole number of at least 1`
  if (!Number.isInteger(minReplicas)) return `min is ${minReplicas}; give a whole number`
  if (minReplicas > maxReplicas) return `min ${minReplicas} is more than max ${maxReplicas}`
  const none = Object.entries({ S: serviceSeconds, T: objectiveSeconds }).find(([, value]) => value <= 0)
  if (none !== undefined) return `${none[0]} is ${none[1]}; give more than 0`
  return kind === "http" && serviceSeconds >= objectiveSeconds
    ? `S is ${serviceSeconds} and T ${objectiveSeconds}: no number of pods answers in time`
    : undefined
}

/** The failure says what to change in the trace or in the list. */
export const traceScenario = ({ file, name, plant }: TraceEntry, content: string): Result.Result<Scenario, string> =>
  Result.flatMap(
    Result.mapError(readTrace(content), (problem) => `${file}: ${problem}`),
    (trace) => {
      const workload = workloadOf(plant, trace.seconds)
      const problem = problemOf(workload)
      return problem === undefined
        ? Result.succeed({ name, workload, seconds: trace.seconds, traffic: trafficOf(trace) })
        : Result.fail(`${name}: ${problem}`)
    }
  )
