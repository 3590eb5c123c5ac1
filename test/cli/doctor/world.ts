/** A cluster that answers a few paths and a web that answers a few URLs: enough for the doctor to look at. */
import { Effect, Layer } from "effect"
import { POLICY_DEFAULTS } from "#schemas/crd/Crd"
import { Egress, EgressError, type EgressRequest } from "#services/Egress"
import { Kubernetes, KubernetesError, type KubernetesRequest } from "#services/Kubernetes"
import { type Setting, SETTINGS, Settings, type Values } from "#services/Settings"

export type Reply = KubernetesError["reason"] | { readonly body: unknown }

const isBody = (reply: Reply): reply is { readonly body: unknown } => "body" in reply

export const layerCluster = (answer: (request: KubernetesRequest) => Reply) =>
  Layer.mock(Kubernetes)({
    request: (request) => {
      const reply = answer(request)
      return isBody(reply)
        ? Effect.succeed(reply.body)
        : Effect.fail(
            new KubernetesError({
              reason: reply,
              request: `${request.method} ${request.path}`,
              detail: "said the world"
            })
          )
    }
  })

export const notFound: Reply = { _tag: "NotFound" }
export const unreachable: Reply = { _tag: "Unreachable" }

export const layerWeb = (
  answer: (request: EgressRequest) => { readonly status: number; readonly body?: string } | "down"
) =>
  Layer.succeed(Egress, {
    request: (request) => {
      const reply = answer(request)
      return reply === "down"
        ? Effect.fail(
            new EgressError({ reason: { _tag: "Unreachable" }, url: request.url, detail: "refused the connection" })
          )
        : Effect.succeed({
            status: reply.status,
            body: reply.body ?? "",
            url: request.url,
            strippedOfCredentials: false
          })
    }
  })

const surroundings = { inCluster: false, terminal: false, hostname: "host", namespace: undefined }

export const settings = (over: Partial<Values> = {}): Settings => {
  const entries = Object.entries<Setting<unknown>>(SETTINGS)
  const values = Object.fromEntries(entries.map(([key, entry]) => [key, entry.whenAbsent(surroundings)]))
  return { ...(values as unknown as Values), inCluster: false, tracing: false, defaults: POLICY_DEFAULTS, ...over }
}

export const layerSettings = (over: Partial<Values> = {}) => Layer.succeed(Settings, settings(over))
