/** The dashboard's routes: the activity page and the same as JSON. All of them are behind the dashboard's guard. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Operations } from "#dashboard/Operations"
import { activityJson, activityPage, inOrder, policyJson } from "#dashboard/activity"
import { toText } from "#dashboard/html"
import { Health } from "#operator/Health"
import { ACTIVITIES, Ledger } from "#operator/Ledger"

/** `?limit=` of the request, between 1 and all that is held. */
const limitOf = (url: string): number => {
  const asked = Number(new URL(url, "http://localhost").searchParams.get("limit") ?? ACTIVITIES)
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, ACTIVITIES) : ACTIVITIES
}

export const pageRoutes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const ledger = yield* Ledger
    const health = yield* Health
    const operations = yield* Operations

    /** An empty list of a standby must not be taken for a quiet operator. */
    const leader = Effect.map(operations.leadership, ({ leading, holder }): Record<string, string> =>
      leading ? {} : { "x-nimbusguard-leader": encodeURI(holder ?? "nobody") }
    )

    yield* router.add(
      "GET",
      "/",
      Effect.gen(function* () {
        const views = yield* ledger.policies
        return HttpServerResponse.text(
          toText(
            activityPage({
              version: operations.version,
              leadership: yield* operations.leadership,
              health: yield* health.report,
              policies: inOrder(views.values()),
              activity: yield* ledger.activity,
              at: yield* Clock.currentTimeMillis
            })
          ),
          { contentType: "text/html; charset=utf-8" }
        )
      })
    )

    yield* router.add(
      "GET",
      "/scaling-activity",
      Effect.gen(function* () {
        const { url } = yield* HttpServerRequest.HttpServerRequest
        const activity = (yield* ledger.activity).slice(0, limitOf(url))
        return HttpServerResponse.jsonUnsafe(activity.map(activityJson), { headers: yield* leader })
      })
    )

    yield* router.add(
      "GET",
      "/api/v1/policies",
      Effect.gen(function* () {
        const views = inOrder((yield* ledger.policies).values())
        return HttpServerResponse.jsonUnsafe(views.map(policyJson), { headers: yield* leader })
      })
    )
  })
)
