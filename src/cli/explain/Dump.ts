/**
 * Decision records and the policies that made them, as the operator serves them, as `explain --output json` gives
 * them, or as whoever collects records has them: one document, a list, or one record on each line.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { DecisionRecord } from "#schemas/Decision"
import { Policy } from "#schemas/Policy"

export interface Dump {
  /** Each with its generation; a record can be made again only with its own. */
  readonly policies: ReadonlyArray<Policy>
  readonly records: ReadonlyArray<DecisionRecord>
}

const Document = Schema.Struct({
  policies: Schema.optionalKey(Schema.Array(Policy)),
  records: Schema.Array(DecisionRecord)
})

const decodeDocument = Schema.decodeUnknownResult(Document)
const decodeRecord = Schema.decodeUnknownResult(DecisionRecord)

const isDocument = (value: unknown): boolean => typeof value === "object" && value !== null && "records" in value

const words = ({ message }: Schema.SchemaError): string => message.replaceAll(/\s*\n\s*/gu, " ").slice(0, 300)

const read = (where: string, value: unknown): Result.Result<Dump, string> => {
  if (Array.isArray(value)) return joined(value.map((item: unknown, index) => read(`${where}[${index}]`, item)))
  const decoded: Result.Result<Dump, Schema.SchemaError> = isDocument(value)
    ? Result.map(decodeDocument(value), ({ policies = [], records }) => ({ policies, records }))
    : Result.map(decodeRecord(value), (record) => ({ policies: [], records: [record] }))
  return Result.mapError(decoded, (error) => `${where} is no decision record of this version: ${words(error)}`)
}

const joined = (parts: ReadonlyArray<Result.Result<Dump, string>>): Result.Result<Dump, string> =>
  Result.map(Result.all(parts), (dumps) => ({
    policies: dumps.flatMap(({ policies }) => policies),
    records: dumps.flatMap(({ records }) => records)
  }))

const parse = (text: string): Result.Result<unknown, unknown> => Result.try((): unknown => JSON.parse(text))

const REMEDY = "give one whole document, or one record on each line; a file that was cut short has to be fetched again"

/** JSON, or JSON on each line. The failure says which part cannot be read. */
export const readDump = (name: string, text: string): Result.Result<Dump, string> => {
  const whole = parse(text)
  if (Result.isSuccess(whole)) return read(name, whole.success)
  return joined(
    text.split("\n").flatMap((line, index) => {
      if (line.trim() === "") return []
      const where = `${name}:${index + 1}`
      const value = parse(line)
      return [Result.isSuccess(value) ? read(where, value.success) : Result.fail(`${where} is not JSON: ${REMEDY}`)]
    })
  )
}
