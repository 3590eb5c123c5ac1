import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { makeReview } from "#dashboard/review"
import { layerDashboardServer } from "#dashboard/server"
import { KubernetesError } from "#services/Kubernetes"
import { KubernetesAs } from "#services/KubernetesAs"
import { ask, layerWorld, options, token } from "#test/dashboard/pages"

/** A cluster that knows three tokens, and is away for a fourth. */
const cluster = () => {
  const asked: Array<string> = []
  const request: KubernetesAs["Service"]["request"] = (given, { method, path }) =>
    Effect.suspend(() => {
      const text = Redacted.value(given)
      asked.push(text)
      assert.strictEqual(`${method} ${path}`, "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
      if (text === "janes" || text === "joes") return Effect.succeed({ status: { allowed: text === "janes" } })
      const reason = { _tag: text === "away" ? "Unreachable" : "Unauthorized" } as const
      return Effect.fail(new KubernetesError({ request: "POST", reason, detail: "no" }))
    })
  return { asked, service: { request } }
}

describe("a review", () => {
  it.effect("lets in whom the cluster lets list the policies, and asks again after a minute", () =>
    Effect.gen(function* () {
      const { asked, service } = cluster()
      const review = makeReview(service)
      for (const [given, verdict] of [
        ["janes", "Allowed"],
        ["joes", "Forbidden"],
        ["nobodys", "Unknown"],
        ["away", "Unanswered"]
      ] as const) {
        assert.strictEqual(yield* review(given), verdict)
        assert.strictEqual(yield* review(given), verdict)
      }
      assert.deepStrictEqual(asked, ["janes", "joes", "nobodys", "away", "away"])
      yield* TestClock.adjust("61 seconds")
      yield* review("janes")
      assert.strictEqual(asked.length, 6)
    })
  )
})

describe("a dashboard that listens to the network", () => {
  const wide = (own: string | undefined) => {
    const { asked, service } = cluster()
    const layer = layerDashboardServer(
      options({
        dashboardHost: "0.0.0.0",
        dashboardTokenReview: true,
        dashboardToken: own === undefined ? undefined : token(own)
      })
    ).pipe(Layer.provideMerge(layerWorld()), Layer.provideMerge(Layer.succeed(KubernetesAs, service)))
    return { asked, layer }
  }
  const bearer = (given: string) => ({ headers: { authorization: `Bearer ${given}` } })

  it.effect("asks for a Kubernetes token on every path, by bearer or by a browser's login", () =>
    Effect.gen(function* () {
      for (const path of ["/", "/api/v1/fleet", "/scaling-activity", "/page/app.js"]) {
        const answer = yield* ask(path)
        assert.strictEqual(answer.status, 401, path)
        assert.match(answer.headers["www-authenticate"] ?? "", /^Basic/u)
      }
      assert.strictEqual((yield* ask("/api/v1/fleet", bearer("janes"))).status, 200)
      const login = `Basic ${Buffer.from("anybody:janes").toString("base64")}`
      assert.strictEqual((yield* ask("/api/v1/fleet", { headers: { authorization: login } })).status, 200)
      assert.strictEqual((yield* ask("/api/v1/fleet", bearer("joes"))).status, 403)
      assert.strictEqual((yield* ask("/api/v1/fleet", bearer("nobodys"))).status, 401)
      assert.strictEqual((yield* ask("/api/v1/fleet", bearer("away"))).status, 503)
    }).pipe(Effect.provide(wide(undefined).layer))
  )

  it.effect("takes its own token without asking anybody", () => {
    const { asked, layer } = wide("open-sesame")
    return Effect.gen(function* () {
      assert.strictEqual((yield* ask("/api/v1/fleet", bearer("open-sesame"))).status, 200)
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("lets nobody in where there is no cluster to ask", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask("/", bearer("janes"))).status, 503)
    }).pipe(
      Effect.provide(
        layerDashboardServer(options({ dashboardHost: "0.0.0.0", dashboardTokenReview: true })).pipe(
          Layer.provideMerge(layerWorld())
        )
      )
    )
  )
})
