/** What a policy has learned, as a patch of the very policy: whoever applies it lets learning begin there. */
import * as Result from "effect/Result"
import { exportTable, type Table } from "#domain/qlearningTable"
import { GENERATED_BY, toYaml } from "#manifests/yaml"

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && Object.values(value).every((row) => typeof row === "string")

const tableIn = (memory: unknown): Table | undefined => {
  const table = typeof memory === "object" && memory !== null && "table" in memory ? memory.table : undefined
  return isTable(table) && Object.keys(table).length > 0 ? table : undefined
}

/** As a merge patch in YAML, for kubectl patch --patch-file. */
export const learnedPatch = (engines: Readonly<Record<string, unknown>>): Result.Result<string, string> => {
  const table = tableIn(engines["qlearning"])
  if (table === undefined) {
    return Result.fail("Nothing is learned yet: the policy needs aiConfig.qLearning, and a while.")
  }
  const yaml = toYaml([{ spec: { aiConfig: { qLearning: { learned: exportTable(table) } } } }])
  return Result.succeed(yaml.slice(GENERATED_BY.length))
}
