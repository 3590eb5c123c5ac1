/**
 * What a person may change here: a policy's mode, with a Kubernetes token of their own that is used for the one call
 * and kept nowhere. The token comes in a header that no other page can send without asking first, and is never a
 * cookie; so there is nothing that a browser would add by itself.
 */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { refuse } from "#dashboard/guard"
import type { PolicyView } from "#operator/Ledger"
import { KINDS } from "#schemas/crd/index"
import type { Policy } from "#schemas/Policy"
import type { KubernetesError } from "#services/Kubernetes"
import { KubernetesAs } from "#services/KubernetesAs"
import { refPath } from "#services/kubernetesCalls"

const refusal = ({ detail, reason }: KubernetesError) => {
  switch (reason._tag) {
    case "Unauthorized":
      return refuse(401, "The cluster does not know this token: make a new one, with kubectl create token for example")
    case "Forbidden":
      return refuse(403, `The token's owner may not change the policy: ${detail}`)
    case "NotFound":
      return refuse(404, "The policy is gone")
    default:
      return refuse(502, `The cluster did not do it (${reason._tag}): ${detail}`)
  }
}

/** A browser says where a call comes from. What is no browser says nothing. */
const fromElsewhere = (headers: Readonly<Record<string, string | undefined>>): boolean => {
  const { host, origin } = headers
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none") return true
  if (origin === undefined) return false
  const url = Result.try(() => new URL(origin).host)
  return Result.isFailure(url) || url.success !== host
}

/** Undefined: the call may go on. */
export const elsewhere = HttpServerRequest.HttpServerRequest.useSync(({ headers }) =>
  fromElsewhere(headers) ? refuse(403, "Only the dashboard's own page may ask for this") : undefined
)

export const setMode = Effect.fn("dashboard.setMode")(function* (
  { ref }: PolicyView,
  mode: Policy["mode"],
  given: string | undefined
) {
  const service = yield* Effect.serviceOption(KubernetesAs)
  const kind = KINDS.find((each) => each.kind === ref.kind)
  if (Option.isNone(service) || kind === undefined) {
    return refuse(501, "This operator cannot ask a cluster in somebody else's name: use kubectl")
  }
  const token = given?.trim() ?? ""
  if (token === "") {
    return refuse(401, "Send a Kubernetes token that may change the policy, in the header X-Kubernetes-Token")
  }
  const request = service.value.request(Redacted.make(token), {
    method: "PATCH",
    path: refPath({ apiVersion: ref.apiVersion, plural: kind.plural, namespace: ref.namespace, name: ref.name }),
    query: { fieldManager: "nimbusguard-dashboard" },
    contentType: "application/merge-patch+json",
    body: { metadata: { uid: ref.uid }, spec: { mode } }
  })
  const done = yield* Effect.result(request)
  if (Result.isFailure(done)) return refusal(done.failure)
  yield* Effect.logInfo(
    `The mode of ${ref.kind} ${ref.namespace}/${ref.name} was set to ${mode} by way of the dashboard`
  )
  return { done: `spec.mode is ${mode}` }
})
