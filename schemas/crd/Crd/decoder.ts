/**
 * From an object to a Policy: the envelope that all kinds share, with every problem as a Refusal that names the field
 * and says what to change. Lenient about what only the API server knows (uid, generation), so that files decode too.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { affordablePods, type Cost, monthlyCostOf } from "#schemas/budget"
import type { Finding, Kind, Pause, Policy, PolicyRef, Refusal } from "#schemas/Policy"
import { parseQuantityMilli } from "#schemas/quantity"
import type { CrdKind, DecodeSettings } from "../Crd.ts"
import { inlineSecrets } from "./plugs.ts"
import type { pause } from "./fields.ts"

export type Resolved = Omit<Policy, "ref" | "findings">

/** Collects what is wrong and what should be known while one object is read. */
export interface Reader {
  readonly ref: PolicyRef
  readonly settings: DecodeSettings
  readonly refuse: (path: string, message: string, reason?: Refusal["reason"]) => void
  readonly note: (reason: Finding["reason"], path: string, message: string) => void
}

/** In a file, a field that is left empty is null. */
const Metadata = Schema.Struct({
  name: Schema.String,
  namespace: Schema.optionalKey(Schema.NullOr(Schema.String)),
  uid: Schema.optionalKey(Schema.NullOr(Schema.String)),
  generation: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  creationTimestamp: Schema.optionalKey(Schema.NullOr(Schema.String))
})

const Envelope = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  metadata: Metadata,
  spec: Schema.Unknown
})

const decodeEnvelope = Schema.decodeUnknownResult(Envelope, { errors: "all" })
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** spec.signals[0].name */
const pathText = (root: string, path: ReadonlyArray<unknown>): string =>
  path.reduce<string>((text, segment) => {
    const key = typeof segment === "object" && segment !== null && "key" in segment ? segment.key : segment
    return typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`
  }, root)

const refusalsOf = (root: string, issue: SchemaIssue.Issue): ReadonlyArray<Refusal> =>
  formatIssue(issue).issues.map(({ message, path }) => ({
    reason: "InvalidSpec",
    path: pathText(root, path ?? []),
    message
  }))

export const parseMillis = (text: string): number | undefined =>
  // RFC 3339 allows small letters, and so does the API server.
  Option.getOrUndefined(Option.map(DateTime.make(text.toUpperCase()), DateTime.toEpochMillis))

/** The decode of one kind: `resolve` sees a spec that fits the wire schema, with the schema's defaults in place. */
export const decoder =
  <Spec>(
    kind: Kind,
    apiVersion: string,
    wire: Schema.Codec<Spec, unknown>,
    resolve: (spec: Spec, reader: Reader) => Resolved
  ): CrdKind["decode"] =>
  (object, settings) => {
    const envelope = decodeEnvelope(object)
    if (Result.isFailure(envelope)) return Result.fail(refusalsOf("", envelope.failure.issue))
    const { metadata, ...rest } = envelope.success
    if (rest.kind !== kind || rest.apiVersion !== apiVersion) {
      return Result.fail([
        {
          reason: "InvalidSpec",
          path: rest.kind === kind ? "apiVersion" : "kind",
          message: `This is ${rest.apiVersion} ${rest.kind}, expected ${apiVersion} ${kind}.`
        }
      ])
    }
    const spec = Schema.decodeUnknownResult(wire, { errors: "all" })(rest.spec)
    if (Result.isFailure(spec)) return Result.fail(refusalsOf("spec", spec.failure.issue))
    const ref: PolicyRef = {
      kind,
      apiVersion,
      namespace: metadata.namespace ?? "default",
      name: metadata.name,
      uid: metadata.uid ?? "",
      generation: metadata.generation ?? 1,
      createdAt: parseMillis(metadata.creationTimestamp ?? "") ?? 0
    }
    const refusals: Array<Refusal> = []
    const findings: Array<Finding> = []
    const policy = resolve(spec.success, {
      ref,
      settings,
      refuse: (path, message, reason = "InvalidSpec") => void refusals.push({ reason, path, message }),
      note: (reason, path, message) => void findings.push({ reason, path, message })
    })
    return refusals.length > 0 ? Result.fail(refusals) : Result.succeed({ ref, ...policy, findings })
  }

const UNIT_MILLIS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A text that fits the pattern of `duration`, in milliseconds. */
export const durationMillis = (text: string): number =>
  [...text.matchAll(/([0-9.]+)(ms|s|m|h)/gu)].reduce(
    (sum, [, amount = "0", unit = ""]) => sum + Math.round(Number(amount) * (UNIT_MILLIS[unit] ?? 0)),
    0
  )

/** In thousandths; through text, so that 0.1 is 100 and not what a binary float makes of it. */
export const milli = (value: number | string, path: string, reader: Reader): number => {
  const parsed = parseQuantityMilli(String(value))
  if (parsed !== undefined) return parsed
  reader.refuse(path, `${value} is too large: name a number below 9 000 000 000 000.`)
  return 0
}

export const resolvePause = (spec: typeof pause.Type | undefined, reader: Reader): { readonly pause?: Pause } => {
  if (spec === undefined) return {}
  const { until, ...rest } = spec
  if (until === undefined) return { pause: rest }
  const at = parseMillis(until)
  if (at === undefined) reader.refuse("spec.pause.until", `"${until}" is not a time: write 2026-01-31T18:00:00Z.`)
  return { pause: { ...rest, until: at ?? 0 } }
}

export const checkBounds = (
  min: { readonly path: string; readonly value: number },
  max: { readonly path: string; readonly value: number },
  reader: Reader
): { readonly min: number; readonly max: number } => {
  if (min.value > max.value) {
    reader.refuse(min.path, `${min.value} is above ${max.path}, which is ${max.value}: raise that or lower this.`)
  }
  return { min: min.value, max: max.value }
}

/** The namespace that the workload is in: the object's own, unless the operator may cross. */
export const targetNamespace = (named: string | undefined, reader: Reader): string => {
  const own = reader.ref.namespace
  if (named === undefined || named === own || reader.settings.allowCrossNamespace) return named ?? own
  reader.refuse(
    "spec.namespace",
    `The object is in ${own} and names workloads in ${named}: create it in ${named}, or run the operator with ALLOW_CROSS_NAMESPACE=true.`,
    "CrossNamespace"
  )
  return named
}

/** Tells the author about credentials that everybody who may read the object can read. */
export const noteInlineSecrets = (options: unknown, path: string, reader: Reader): void =>
  inlineSecrets(options).forEach((secret) =>
    reader.note(
      "InlineSecret",
      `${path}.${secret.path}`,
      `A credential stands here in plain text, for everybody who may read this object. Put it into a Secret and name that in ${path}.${secret.instead}.`
    )
  )

export const noteBudget = (cost: Cost | undefined, min: number, path: string, reader: Reader): void => {
  if (cost === undefined || affordablePods(cost) >= min) return
  reader.note(
    "BudgetBelowMinimum",
    path,
    `The budget pays for ${affordablePods(cost)} replicas and the minimum is ${min}: the minimum wins. Raise maxMonthlyCost to at least ${monthlyCostOf(min, cost).toFixed(2)} or lower the minimum.`
  )
}

/** Tolerances in thousandths. */
export const DIRECTION = {
  down: { toleranceMilli: { up: 200, down: 50 } },
  up: { toleranceMilli: { up: 50, down: 200 } },
  balanced: { toleranceMilli: { up: 100, down: 100 } }
} as const

/** Every guard on; kinds turn off what their contract excludes. */
export const ALL_SAFE = { rolloutGuard: true, disruptionFloor: true, rollback: true, freezeOnFailingPods: true }
