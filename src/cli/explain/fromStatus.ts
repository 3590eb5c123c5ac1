/**
 * What the API server holds of a policy: the last ten decisions and how it stands. All that is left after a restart of
 * the operator; without the inputs, so it can be told and not made again.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { CrdKind } from "#schemas/crd/index"
import { Meta } from "#schemas/kubernetes/Meta"
import type { Millis } from "#schemas/Reading"
import { type DecisionSummary, Status } from "#schemas/Status"
import { find } from "#services/kubernetesCalls"
import type { Moment } from "./select.ts"

const Held = Schema.Struct({ metadata: Meta, status: Schema.optionalKey(Status) })

/** Undefined: there is no such object. */
export const readStatus = Effect.fn("explain.readStatus")(function* (kind: CrdKind, namespace: string, name: string) {
  const ref = { apiVersion: `${kind.group}/${kind.version}`, plural: kind.plural, namespace, name }
  const held = yield* find(Held, ref)
  return Option.getOrUndefined(Option.map(held, ({ status }): Status => status ?? {}))
})

const atOf = ({ at }: DecisionSummary): Millis => Date.parse(at)

/** Oldest first. */
export const chosen = ({ decisions = [] }: Status, moment: Moment): ReadonlyArray<DecisionSummary> => {
  const all = decisions.toSorted((left, right) => atOf(left) - atOf(right))
  if (moment._tag === "Last") return all.slice(-moment.count)
  const found = all.findLast((each) => atOf(each) <= moment.at)
  return found === undefined ? [] : [found]
}

const decisionText = ({
  at,
  from,
  limitedBy = [],
  outcome,
  reason,
  recommended,
  target,
  to,
  traceId
}: DecisionSummary) => {
  const change = from === to ? `stays at ${to}` : `${from} -> ${to}`
  const wanted = recommended === undefined || recommended === to ? "" : `, ${recommended} was recommended`
  return [
    `${at}  ${target === undefined ? "" : `${target} `}${change}, ${outcome}${wanted}`,
    `  why:       ${reason}`,
    ...(limitedBy.length === 0 ? [] : [`  limited:   ${limitedBy.join(", ")}`]),
    ...(traceId === undefined ? [] : [`  trace:     ${traceId}`])
  ]
}

export const tellStatus = (status: Status, decisions: ReadonlyArray<DecisionSummary>): ReadonlyArray<string> => {
  const { conditions = [], currentReplicas, phase, signals = [], target, targetReplicas } = status
  const now = [
    `Now: ${phase ?? "not looked at yet"}${target === undefined ? "" : `, ${target}`}${currentReplicas === undefined ? "" : ` has ${currentReplicas} replicas`}${targetReplicas === undefined ? "" : `, decided ${targetReplicas}`}.`,
    ...signals.map(({ error, name, proposal, target: wanted, value }) =>
      error === undefined
        ? `  signal     ${name} ${value ?? "has no value"}${wanted === undefined ? "" : ` for ${wanted}`}${proposal === undefined ? "" : `, asks for ${proposal}`}`
        : `  signal     ${name}: ${error}`
    ),
    ...conditions.map(
      ({ message, reason, status: holds, type }) => `  condition  ${type}=${holds} ${reason}: ${message}`
    )
  ]
  return [...decisions.flatMap(decisionText), ...now]
}
