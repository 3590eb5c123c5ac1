/** What an API server answers about a field: the same words, so that a person can search for them. */

export type CauseReason =
  | "FieldValueInvalid"
  | "FieldValueTypeInvalid"
  | "FieldValueRequired"
  | "FieldValueNotSupported"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueDuplicate"

export interface Cause {
  readonly field: string
  readonly reason: CauseReason
  readonly message: string
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** How Go prints a float: shortest, with an exponent for what is a million or more. */
const floatText = (value: number): string => {
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  if (exponent >= -4 && exponent < 6) return String(value)
  const [mantissa = "", power = "0"] = value.toExponential().split("e")
  const sign = power.startsWith("-") ? "-" : "+"
  return `${mantissa}e${sign}${power.replace(/^[+-]/u, "").padStart(2, "0")}`
}

/** Whole numbers within 64 bits are integers to the server, everything else is a float. */
export const isInteger = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 63

export const numberText = (value: number): string => (isInteger(value) ? BigInt(value).toString() : floatText(value))

/** A bound, in the number type of the value that broke it. */
export const boundText = (bound: number, value: number): string =>
  isInteger(value) ? Math.trunc(bound).toString() : floatText(bound)

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v"
}

const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`
  return code < 0x1_0000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`
}

/** A text in Go's quotes, where what cannot be printed is escaped. */
export const quoted = (text: string): string =>
  `"${text.replaceAll(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (found) => ESCAPES[found] ?? escaped(found))}"`

/** Go's JSON may stand inside HTML. */
const json = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/gu,
    (found) => `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`
  )

const valueText = (value: unknown): string => {
  if (typeof value === "number") return numberText(value)
  return typeof value === "string" ? quoted(value) : json(value)
}

/** The server's name of a value's type. */
export const typeName = (value: unknown): string => {
  if (value === null || value === undefined) return "null"
  if (Array.isArray(value)) return "array"
  if (typeof value === "number") return isInteger(value) ? "integer" : "number"
  return typeof value
}

export const invalid = (field: string, value: unknown, detail: string): Cause => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${valueText(value)}: ${detail}`
})

/** About an object or a list: its value would only be noise. */
export const invalidWhole = (field: string, detail: string): Cause => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${detail}`
})

export const typeInvalid = (field: string, value: unknown, expected: string): Cause => ({
  field,
  reason: "FieldValueTypeInvalid",
  message: `Invalid value: "${typeName(value)}": ${field} in body must be of type ${expected}: "${typeName(value)}"`
})

/** A text of the right type in the wrong form. */
export const formatInvalid = (field: string, value: string, format: string): Cause => ({
  field,
  reason: "FieldValueTypeInvalid",
  message: `Invalid value: ${quoted(value)}: ${field} in body must be of type ${format}: ${quoted(value)}`
})

export const required = (field: string, detail = ""): Cause => ({
  field,
  reason: "FieldValueRequired",
  message: detail === "" ? "Required value" : `Required value: ${detail}`
})

export const notSupported = (field: string, value: unknown, supported: ReadonlyArray<unknown>): Cause => ({
  field,
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${valueText(value)}: supported values: ${supported.map((each) => quoted(String(each))).join(", ")}`
})

export const tooLong = (field: string, maximum: number): Cause => ({
  field,
  reason: "FieldValueTooLong",
  message: `Too long: may not be more than ${maximum} ${maximum === 1 ? "byte" : "bytes"}`
})

export const tooMany = (field: string, actual: number, maximum: number): Cause => ({
  field,
  reason: "FieldValueTooMany",
  message: `Too many: ${actual}: must have at most ${maximum} ${maximum === 1 ? "item" : "items"}`
})

export const duplicate = (field: string, value: unknown): Cause => ({
  field,
  reason: "FieldValueDuplicate",
  message: `Duplicate value: ${valueText(value)}`
})

const BLOCKING: ReadonlySet<CauseReason> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid"
])

/** With these the rules are not looked at, and the server says so. */
export const blocksRules = ({ reason }: Cause): boolean => BLOCKING.has(reason)

export const RULES_UNCHECKED: Cause = invalid(
  "<nil>",
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
)

/** A message about one value in no particular field. */
export const general = (detail: string): Cause => invalid("<nil>", "", detail)
