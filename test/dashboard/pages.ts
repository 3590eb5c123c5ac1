/** A world for the listeners: a ledger, a health and an operator that remembers who was woken, on a real socket. */
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { request as httpRequest, type IncomingHttpHeaders } from "node:http"
import { type Leadership, Operations } from "#dashboard/Operations"
import type { ServerOptions } from "#dashboard/server"
import { Health } from "#operator/Health"
import { Ledger, type PolicyView } from "#operator/Ledger"
import type { Target } from "#schemas/Policy"
import { layerMetrics } from "#services/MetricsLive"
import { deployment, refOf } from "#test/operator/records"

export const options = (over: Partial<ServerOptions> = {}): ServerOptions => ({
  metricsPort: 0,
  probePort: 0,
  dashboardPort: 0,
  dashboardHost: "127.0.0.1",
  dashboardToken: undefined,
  eventsToken: undefined,
  ...over
})

export const token = (text: string) => Redacted.make(text)

export interface WorldInput {
  readonly leadership?: Leadership
}

export class World extends Context.Service<World, { readonly woken: Array<readonly [uid: string, cause: string]> }>()(
  "test/World"
) {}

const layerOperations = ({ leadership = { leading: true, holder: "me" } }: WorldInput) =>
  Layer.effect(
    Operations,
    Effect.gen(function* () {
      const { woken } = yield* World
      return {
        version: "1.2.3",
        leadership: Effect.succeed(leadership),
        wake: (uid, cause) => Effect.sync(() => (woken.push([uid, cause]), !uid.startsWith("no-actor")))
      }
    })
  )

export const layerWorld = (input: WorldInput = {}) =>
  layerOperations(input).pipe(
    Layer.provideMerge(Layer.sync(World, () => ({ woken: [] }))),
    Layer.provideMerge(Layer.mergeAll(Health.layer, Ledger.layer)),
    Layer.provideMerge(layerMetrics({ processMetrics: false }))
  )

export const view = (name: string, over: Partial<PolicyView> & { readonly target?: Target } = {}): PolicyView => {
  const { target = deployment(name), ...rest } = over
  return {
    ref: refOf(name),
    phase: "Active",
    mode: "Active",
    conditions: [],
    targets: [target],
    bounds: { min: 1, max: 10 },
    status: { currentReplicas: 2, targetReplicas: 3 },
    policy: undefined,
    at: 0,
    ...rest
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: () => Record<string, unknown>
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** Asks the one server of the context. */
export const ask = Effect.fnUntraced(function* (path: string, { method = "GET", headers = {}, body }: Ask = {}) {
  const { address } = yield* HttpServer.HttpServer
  const port = "port" in address ? address.port : 0
  return yield* Effect.callback<Answer>((resume) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body)
    const type = text === undefined ? {} : { "content-type": "application/json" }
    const request = httpRequest(
      { host: "127.0.0.1", port, path, method, headers: { ...type, ...headers }, agent: false },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const whole = Buffer.concat(chunks).toString()
          resume(
            Effect.succeed({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: whole,
              json: () => JSON.parse(whole)
            })
          )
        })
      }
    )
    request.on("error", (error) => resume(Effect.die(error)))
    request.end(text)
  })
})
