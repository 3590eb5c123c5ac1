// The dashboard's own listener in this process, on a ledger that the test fills: what a browser sees is what an operator
// would serve. It can be taken away and put back on the same port, as a restart of the operator does.
import { Context, Effect, Layer, type Scope } from "effect"
import { HttpServer } from "effect/http"
import { type Leadership, Operations } from "#dashboard/Operations"
import { layerDashboardServer } from "#dashboard/server"
import { Health } from "#operator/Health"
import { Ledger } from "#operator/Ledger"
import { KubernetesAs } from "#services/KubernetesAs"
import { layerMetrics } from "#services/MetricsLive"
import { options } from "#test/dashboard/pages"
import { type Given, make, showAll } from "#test/e2e/generatedFleet"

export interface PageWorldInput {
  readonly port?: number
  readonly policies?: ReadonlyArray<Given>
  readonly leadership?: Leadership
  readonly kubernetesAs?: KubernetesAs["Service"]
}

export interface PageWorld {
  readonly url: string
  readonly port: number
  readonly run: <A, E>(effect: Effect.Effect<A, E, Ledger | Health>) => Promise<A>
  /** Its newest decision is made now. */
  readonly show: (given: Given) => Promise<void>
}

const layerOperations = (leadership: Leadership) =>
  Layer.succeed(Operations, {
    version: "0.1.0",
    leadership: Effect.succeed(leadership),
    wake: () => Effect.succeed(false)
  })

export const openPageWorld = Effect.fnUntraced(function* (input: PageWorldInput = {}) {
  const {
    kubernetesAs,
    leadership = { leading: true, holder: "nimbusguard-operator-7d9c" },
    policies = [],
    port = 0
  } = input
  const base = Layer.mergeAll(
    layerOperations(leadership),
    Layer.provideMerge(Layer.mergeAll(Health.layer, Ledger.layer), layerMetrics({ processMetrics: false })),
    kubernetesAs === undefined ? Layer.empty : Layer.succeed(KubernetesAs, kubernetesAs)
  )
  const context = yield* Layer.build(
    layerDashboardServer(options({ dashboardPort: port })).pipe(Layer.provideMerge(base))
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  const actual = "port" in address ? address.port : 0
  const run = <A, E>(effect: Effect.Effect<A, E, Ledger | Health>) =>
    Effect.runPromise(Effect.provideContext(effect, context))
  const now = Date.now()
  yield* Effect.provideContext(showAll(policies.map((given) => make(given, now))), context)
  const world: PageWorld = {
    url: `http://127.0.0.1:${actual}`,
    port: actual,
    run,
    show: (given) => run(showAll([make(given, Date.now())]))
  }
  return world
})

export type Opened = Effect.Effect<PageWorld, unknown, Scope.Scope>
