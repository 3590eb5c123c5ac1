/** The activity as the seeds ask for it: JSON, newest first, the last two hundred. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Operations } from "#dashboard/Operations"
import { activityJson } from "#dashboard/activity"
import { ACTIVITIES, Ledger } from "#operator/Ledger"

/** `?limit=` of the request, between 1 and all that is held. */
const limitOf = (url: string): number => {
  const asked = Number(new URL(url, "http://localhost").searchParams.get("limit") ?? ACTIVITIES)
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, ACTIVITIES) : ACTIVITIES
}

export const activityRoutes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const ledger = yield* Ledger
    const operations = yield* Operations

    /** An empty list of a standby must not be taken for a quiet operator. */
    const leader = Effect.map(operations.leadership, ({ leading, holder }): Record<string, string> =>
      leading ? {} : { "x-nimbusguard-leader": encodeURI(holder ?? "nobody") }
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
  })
)
