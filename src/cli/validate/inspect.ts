/** What is to be said about each object of a file: the API server's verdict first, then the operator's own. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { noMatch, judgeOf } from "#manifests/validation"
import type { Verdict } from "#manifests/validation"
import { fillHole } from "#manifests/plugs"
import { fromYaml } from "#manifests/yaml"
import { bind } from "#operator/bind"
import type { BoundSignal } from "#operator/bind"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { kindOf, KINDS } from "#schemas/crd/index"
import type { CrdKind } from "#schemas/crd/index"
import type { Finding, Policy, Refusal, Signal } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { bindSource } from "#sources/index"

export interface Problem {
  readonly path: string
  readonly reason: string
  readonly message: string
}

export interface Inspection {
  readonly file: string
  readonly line: number
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** skipped: not an object of ours. */
  readonly verdict: "accepted" | "refused" | "skipped"
  /** Who refuses it. The operator: the object is stored, and is Ready=False. */
  readonly by?: "file" | "apiserver" | "operator"
  /** The API server's whole sentence, where it refuses. */
  readonly message?: string
  readonly problems: ReadonlyArray<Problem>
  /** Nothing is refused, but it should be known. */
  readonly findings: ReadonlyArray<Finding>
}

type Place = Pick<Inspection, "file" | "line" | "kind" | "namespace" | "name">

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const text = (value: unknown, absent: string): string => (typeof value === "string" ? value : absent)

/** Binding reads options only; nothing is sampled here. */
const plugs = {
  signal: (signal: Signal): Result.Result<BoundSignal, Refusal> =>
    Result.map(bindSource(signal), ({ built }) => ({
      signal,
      built,
      sample: () => Effect.succeed(missing("NotGiven", "Validation samples nothing."))
    }))
}

const operatorProblems = (refusals: ReadonlyArray<Refusal>): ReadonlyArray<Problem> =>
  refusals.map(({ message, path, reason }) => ({ path, reason, message }))

const decodeAndBind = (kind: CrdKind, object: unknown) => {
  const decoded = kind.decode(object, DECODE_SETTINGS)
  return Result.flatMap(decoded, (policy: Policy) => bind(plugs, policy))
}

const refused = (
  place: Place,
  by: "file" | "apiserver" | "operator",
  problems: ReadonlyArray<Problem>
): Inspection => ({
  ...place,
  verdict: "refused",
  by,
  problems,
  findings: []
})

/** A file that is not there, or may not be read. */
export const unreadable = (file: string, why: string): Inspection =>
  refused({ file, line: 0, kind: "", namespace: "", name: "" }, "file", [
    { path: "", reason: "NotReadable", message: why }
  ])

const byServer = (place: Place, verdict: Exclude<Verdict, { readonly _tag: "Accepted" }>): Inspection => ({
  ...refused(
    place,
    "apiserver",
    verdict._tag === "Invalid"
      ? verdict.causes.map(({ field, message, reason }) => ({ path: field, reason, message }))
      : [{ path: "", reason: "BadRequest", message: verdict.message }]
  ),
  message: verdict.message
})

/** Groups that are ours: another version of one is a mistake, and any other object is not our business. */
const GROUPS: ReadonlySet<string> = new Set(KINDS.map(({ group }) => group))

export const inspector = () => {
  const judges = new Map(KINDS.map((kind) => [kind, judgeOf(kind, fillHole)]))

  const inspectObject = (file: string, line: number, object: unknown): ReadonlyArray<Inspection> => {
    if (!isJson(object)) {
      const problem = { path: "", reason: "NotAnObject", message: "This document is not a Kubernetes object." }
      return [refused({ file, line, kind: "", namespace: "", name: "" }, "file", [problem])]
    }
    const { apiVersion, items, kind: kindName, metadata } = object
    if (text(kindName, "").endsWith("List") && Array.isArray(items)) {
      return items.flatMap((item: unknown) => inspectObject(file, line, item))
    }
    const { name, namespace } = isJson(metadata) ? metadata : {}
    const place = {
      file,
      line,
      kind: text(kindName, ""),
      namespace: text(namespace, "default"),
      name: text(name, "")
    }
    if (place.kind === "" || typeof apiVersion !== "string" || apiVersion === "") {
      const message = "An object needs apiVersion and kind, such as nimbusguard.io/v1 and ScalingPolicy."
      return [refused(place, "file", [{ path: "", reason: "NotAnObject", message }])]
    }
    const kind = kindOf(object)
    const judge = kind === undefined ? undefined : judges.get(kind)
    if (kind === undefined || judge === undefined) {
      if (!GROUPS.has(apiVersion.split("/")[0] ?? "")) {
        return [{ ...place, verdict: "skipped", problems: [], findings: [] }]
      }
      const message = noMatch(place.kind, apiVersion)
      return [refused(place, "apiserver", [{ path: "kind", reason: "NoMatch", message }])]
    }
    const verdict = judge(object)
    if (verdict._tag !== "Accepted") return [byServer(place, verdict)]
    const bound = decodeAndBind(kind, verdict.object)
    return Result.isFailure(bound)
      ? [refused(place, "operator", operatorProblems(bound.failure))]
      : [{ ...place, verdict: "accepted", problems: [], findings: bound.success.findings }]
  }

  /** Every object of a file, in its order. */
  return (file: string, content: string): ReadonlyArray<Inspection> =>
    fromYaml(content).flatMap(({ line, problem, value }) =>
      problem === undefined
        ? inspectObject(file, line, value)
        : [
            refused({ file, line, kind: "", namespace: "", name: "" }, "file", [
              { path: "", reason: "NotYaml", message: problem }
            ])
          ]
    )
}
