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
  return Result.succeed(
    Object.entries(list).flatMap(([name, plant]) => {
      if (!isJson(plant)) return []
      const file = plant["file"]
      return [{ name, plant, file: `${typeof file === "string" ? file : name}.csv` }]
    })
  )
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

export const traceScenario = ({ file, name, plant }: TraceEntry, content: string): Result.Result<Scenario, string> =>
  Result.mapBoth(readTrace(content), {
    onFailure: (problem) => `${file}: ${problem}`,
    onSuccess: (trace) => ({
      name,
      seconds: trace.seconds,
      traffic: trafficOf(trace),
      workload: workloadOf(plant, trace.seconds)
    })
  })
