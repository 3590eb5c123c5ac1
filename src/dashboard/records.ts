/**
 * The decision records of one policy with every generation of it that made one of them: all that `explain` needs to tell them and to make
 * them once more. What a source is asked and with which credentials is no part of a decision, and is left out.
 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Operations } from "#dashboard/Operations"
import { refuse } from "#dashboard/guard"
import { Ledger, type PolicyView, RECORDS_PER_POLICY } from "#operator/Ledger"
import type { Policy } from "#schemas/Policy"

export const RECORDS_PATH = "/api/v1/records"

const withoutSecrets = (policy: Policy): Policy => ({
  ...policy,
  signals: policy.signals.map((signal) => ({ ...signal, options: {} }))
})

export interface RecordsAsked {
  readonly kind?: string
  readonly namespace?: string
  readonly name?: string
  readonly limit?: string
}

/** An absent or empty parameter matches everything. */
const isAsked = ({ ref }: PolicyView, asked: RecordsAsked): boolean =>
  (["kind", "namespace", "name"] as const).every((field) => {
    const wanted = asked[field] ?? ""
    return wanted === "" || wanted === ref[field]
  })

const limitOf = (asked: RecordsAsked): number => {
  const limit = Number(asked.limit ?? RECORDS_PER_POLICY)
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, RECORDS_PER_POLICY) : RECORDS_PER_POLICY
}

export const readRecords = Effect.fn("dashboard.records")(function* (asked: RecordsAsked) {
  const ledger = yield* Ledger
  const operations = yield* Operations
  if ((asked.name ?? "") === "") {
    return refuse(400, `Name one policy: ${RECORDS_PATH}?kind=ScalingPolicy&namespace=default&name=web`)
  }
  const { holder, leading } = yield* operations.leadership
  const leader = leading ? {} : { "x-nimbusguard-leader": encodeURI(holder ?? "nobody") }
  const found = [...(yield* ledger.policies).values()].filter((view) => isAsked(view, asked))
  const [view, another] = found
  if (view === undefined) {
    const who = leading
      ? "This operator runs no such policy"
      : `This operator is a standby; ${holder ?? "nobody"} leads`
    return refuse(404, who, leader)
  }
  if (another !== undefined) {
    const names = found.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`).join(", ")
    return refuse(400, `Several policies are called that; give kind and namespace too: ${names}`, leader)
  }
  const { uid } = view.ref
  const records = (yield* ledger.records(uid)).slice(0, limitOf(asked))
  const generations = new Set(records.map(({ policy }) => policy.generation))
  const deciders = (yield* ledger.deciders(uid)).filter(({ ref }) => generations.has(ref.generation))
  return HttpServerResponse.jsonUnsafe({ policies: deciders.map(withoutSecrets), records }, { headers: leader })
})
