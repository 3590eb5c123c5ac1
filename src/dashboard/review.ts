/**
 * Who may look, by the cluster's own word: whoever sends a Kubernetes token that may list the policies. The question is
 * asked with that token, so the operator needs no right to judge others, and the cluster's RBAC says who sees what is shown.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { KINDS } from "#schemas/crd/index"
import type { KubernetesAs } from "#services/KubernetesAs"

export type Verdict = "Allowed" | "Unknown" | "Forbidden" | "Unanswered"

/** A right that is taken away ends within so long. */
const KEPT_MILLIS = 60_000
const KEPT_TOKENS = 256

const PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

const question = (): object => {
  const [{ group, plural } = { group: "", plural: "" }] = KINDS
  return {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb: "list", group, resource: plural } }
  }
}

const isAllowed = (answer: unknown): boolean => {
  if (typeof answer !== "object" || answer === null || !("status" in answer)) return false
  const { status } = answer
  return typeof status === "object" && status !== null && "allowed" in status && status.allowed === true
}

export type Review = (token: string) => Effect.Effect<Verdict>

/** Verdicts are kept a minute under the token's digest, never under the token; what could not be asked is not kept. */
export const makeReview = ({ request }: KubernetesAs["Service"]): Review => {
  const kept = new Map<string, { readonly verdict: Verdict; readonly until: number }>()
  return Effect.fnUntraced(function* (token) {
    const now = yield* Clock.currentTimeMillis
    const key = createHash("sha256").update(token).digest("base64")
    const known = kept.get(key)
    if (known !== undefined && known.until > now) return known.verdict
    const answer = yield* Effect.result(request(Redacted.make(token), { method: "POST", path: PATH, body: question() }))
    const verdict: Verdict = Result.isSuccess(answer)
      ? isAllowed(answer.success)
        ? "Allowed"
        : "Forbidden"
      : answer.failure.reason._tag === "Unauthorized"
        ? "Unknown"
        : answer.failure.reason._tag === "Forbidden"
          ? "Forbidden"
          : "Unanswered"
    kept.delete(key)
    if (verdict !== "Unanswered") kept.set(key, { verdict, until: now + KEPT_MILLIS })
    for (const [oldest] of kept) {
      if (kept.size <= KEPT_TOKENS) break
      kept.delete(oldest)
    }
    return verdict
  })
}
