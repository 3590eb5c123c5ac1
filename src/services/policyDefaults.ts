/**
 * The defaults file: what a ScalingPolicy that does not say is taken to say, under the names of the platform's own
 * configuration (`learning_rate`, `min_replicas`, ...). One flat YAML mapping; an unknown name is a mistake, because
 * a misspelt default would silently do nothing.
 */
import * as Yaml from "effect/encoding/Yaml"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { POLICY_DEFAULTS, type PolicyDefaults } from "#schemas/crd/Crd"

/** Reads one file: its text, or undefined when there is none. */
export type ReadFile = (path: string) => string | undefined

const fraction = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const replicas = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))

const entry = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(schema.annotate({ description }))

const File = Schema.Struct({
  learning_rate: entry(fraction, "Q-learning: how much one reward changes what is known, 0 to 1."),
  discount_factor: entry(fraction, "Q-learning: weight of later rewards, 0 to 1."),
  epsilon_start: entry(fraction, "Q-learning: share of explored actions at first, 0 to 1."),
  epsilon_end: entry(fraction, "Q-learning: share of explored actions at last, 0 to 1."),
  epsilon_decay: entry(fraction, "Q-learning: factor on that share after each transition, 0 to 1."),
  min_replicas: entry(replicas, "Smallest number of replicas."),
  max_replicas: entry(replicas, "Largest number of replicas."),
  cooldown_period: entry(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 86_400 })),
    "Seconds after a write in which nothing is scaled down."
  ),
  target_cpu_utilization: entry(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
    "Target of the default CPU signal, in percent of the request."
  )
})

/** What the file does not say is said by the kind itself. */
const toDefaults = (file: typeof File.Type): PolicyDefaults => ({
  minReplicas: file.min_replicas ?? POLICY_DEFAULTS.minReplicas,
  maxReplicas: file.max_replicas ?? POLICY_DEFAULTS.maxReplicas,
  targetCpuUtilization: file.target_cpu_utilization ?? POLICY_DEFAULTS.targetCpuUtilization,
  learningRate: file.learning_rate ?? POLICY_DEFAULTS.learningRate,
  discountFactor: file.discount_factor ?? POLICY_DEFAULTS.discountFactor,
  epsilonStart: file.epsilon_start ?? POLICY_DEFAULTS.epsilonStart,
  epsilonEnd: file.epsilon_end ?? POLICY_DEFAULTS.epsilonEnd,
  epsilonDecay: file.epsilon_decay ?? POLICY_DEFAULTS.epsilonDecay,
  ...(file.cooldown_period === undefined ? {} : { cooldownSeconds: file.cooldown_period })
})

/** Name and description of each entry, for the documentation. */
export const DEFAULT_NAMES: ReadonlyArray<{ readonly name: string; readonly description: string }> = Object.entries(
  File.fields
).map(([name, field]) => ({
  name,
  description: String(Schema.resolveAnnotations(field.schema)?.description ?? "")
}))

const decode = Schema.decodeUnknownResult(File, { errors: "all", onExcessProperty: "error" })
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** The defaults, or every mistake in the file as a sentence. No file: no defaults of its own. */
export const readPolicyDefaults = (
  path: string,
  readFile: ReadFile
): Result.Result<PolicyDefaults, ReadonlyArray<string>> => {
  const parsed = Result.try({
    try: (): unknown => {
      const content = readFile(path)
      return content === undefined || content.trim() === "" ? {} : (Yaml.parse(content) ?? {})
    },
    catch: (cause) => [`${path} cannot be read as YAML: ${cause instanceof Error ? cause.message : String(cause)}`]
  })
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
  return decode(parsed.success).pipe(
    Result.mapError((error) =>
      formatIssue(error.issue).issues.map((issue) => {
        const name = (issue.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
        return name.length === 0
          ? `${path}: write one \`name: number\` per line, for example \`min_replicas: 1\``
          : `${path}: ${name.join(".")}: ${issue.message}; the names are ${Object.keys(File.fields).join(", ")}`
      })
    ),
    Result.map(toDefaults),
    Result.flatMap((defaults) =>
      defaults.minReplicas > defaults.maxReplicas
        ? Result.fail([
            `${path}: min_replicas is ${defaults.minReplicas}, above max_replicas, which is ${defaults.maxReplicas}: lower the one or raise the other`
          ])
        : Result.succeed(defaults)
    )
  )
}
