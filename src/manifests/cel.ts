/**
 * The rules of a structural schema, evaluated as an API server evaluates them. The evaluator knows CEL itself; what
 * Kubernetes adds to it is added here, as far as our own rules use it.
 */
import { Environment } from "@marcbachmann/cel-js"
import { parseQuantityMilli } from "#schemas/quantity"
import { invalid, invalidWhole, isObject } from "#manifests/causes"
import type { Cause } from "#manifests/causes"
import type { Structural, ValidationRule } from "#manifests/structural"

class Quantity {
  readonly milli: number
  constructor(milli: number) {
    this.milli = milli
  }
}

const kubernetes = (): Environment =>
  new Environment({ unlistedVariablesAreDyn: true })
    .registerType("Quantity", Quantity)
    .registerFunction("isQuantity(string): bool", (text: string) => parseQuantityMilli(text) !== undefined)
    .registerFunction("quantity(string): Quantity", (text: string) => {
      const milli = parseQuantityMilli(text)
      if (milli === undefined) throw new Error(`${text} is not a quantity`)
      return new Quantity(milli)
    })
    .registerFunction("Quantity.isGreaterThan(Quantity): bool", (a: Quantity, b: Quantity) => a.milli > b.milli)
    .registerFunction("Quantity.isLessThan(Quantity): bool", (a: Quantity, b: Quantity) => a.milli < b.milli)

/** Numbers in the type that the schema gives them: a whole number of type number is a double to CEL. */
const typed = (value: unknown, schema: Structural | undefined): unknown => {
  if (typeof value === "number") {
    return schema?.type !== "number" && Number.isInteger(value) ? BigInt(value) : value
  }
  if (Array.isArray(value)) return value.map((item) => typed(item, schema?.items))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      // Null is absent to a rule.
      .filter(([, child]) => child !== null)
      .map(([name, child]) => [name, typed(child, schema?.properties?.[name] ?? schema?.additionalProperties)])
  )
}

type Program = (context: { readonly self: unknown }) => unknown

interface Compiled {
  readonly rule: ValidationRule
  readonly program: Program
}

/** The rules of every part of a schema, parsed once. */
interface Checker {
  readonly schema: Structural
  readonly rules: ReadonlyArray<Compiled>
  readonly properties: ReadonlyMap<string, Checker>
  readonly entries: Checker | undefined
  readonly items: Checker | undefined
}

const isSilent = (checker: Checker): boolean =>
  checker.rules.length === 0 &&
  checker.properties.size === 0 &&
  checker.entries === undefined &&
  checker.items === undefined

const compile = (schema: Structural, environment: Environment): Checker | undefined => {
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const checker = compile(child, environment)
    return checker === undefined ? [] : [[name, checker] as const]
  })
  const checker: Checker = {
    schema,
    rules: (schema["x-kubernetes-validations"] ?? []).map((rule) => ({
      rule,
      program: environment.parse(rule.rule) as Program
    })),
    properties: new Map(properties),
    entries: schema.additionalProperties === undefined ? undefined : compile(schema.additionalProperties, environment),
    items: schema.items === undefined ? undefined : compile(schema.items, environment)
  }
  return isSilent(checker) ? undefined : checker
}

/** Whether the part of that name was judged before. */
type IsKept = (name: string) => boolean
const never: IsKept = () => false

const evaluate = ({ program, rule }: Compiled, self: unknown, value: unknown, path: string): ReadonlyArray<Cause> => {
  const whole = isObject(value) || Array.isArray(value)
  try {
    if (program({ self }) === true) return []
    const at = `${path}${rule.fieldPath ?? ""}`
    return [whole ? invalidWhole(at, rule.message) : invalid(at, value, rule.message)]
  } catch (error) {
    const detail = `${error instanceof Error ? error.message : String(error)} evaluating rule: ${rule.message}`
    return [whole ? invalid(path, "object", detail) : invalid(path, value, detail)]
  }
}

const run = (value: unknown, checker: Checker, path: string, isKept: IsKept = never): ReadonlyArray<Cause> => {
  if (value === null || value === undefined) return []
  const self = checker.rules.length === 0 ? undefined : typed(value, checker.schema)
  const own = checker.rules.flatMap((compiled) => evaluate(compiled, self, value, path))
  const { items } = checker
  if (Array.isArray(value)) {
    return items === undefined ? own : [...own, ...value.flatMap((item, i) => run(item, items, `${path}[${i}]`))]
  }
  if (!isObject(value)) return own
  const within = Object.entries(value).flatMap(([name, child]) => {
    if (isKept(name)) return []
    const property = checker.properties.get(name)
    if (property !== undefined) return run(child, property, path === "" ? name : `${path}.${name}`)
    const isEntry = checker.entries !== undefined && checker.schema.properties?.[name] === undefined
    return isEntry ? run(child, checker.entries, `${path}[${name}]`) : []
  })
  return [...own, ...within]
}

/**
 * A function that runs every rule of the schema over a value, but for those within parts of it that are kept; a rule that
 * does not parse is a defect.
 */
export const ruleChecker = (schema: Structural): ((value: unknown, isKept?: IsKept) => ReadonlyArray<Cause>) => {
  const checker = compile(schema, kubernetes())
  return (value, isKept) => (checker === undefined ? [] : run(value, checker, "", isKept))
}
