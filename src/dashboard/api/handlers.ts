/** What stands behind the API: views of the ledger, made when they are asked for. Loaded with the first request. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Etag from "effect/http/Etag"
import * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { inOrder, policyJson } from "#dashboard/activity"
import { elsewhere, setMode } from "#dashboard/api/actions"
import { Api, API_PREFIX } from "#dashboard/api/Api"
import { compressed } from "#dashboard/api/compressed"
import { detailOf } from "#dashboard/api/detail"
import { Feed } from "#dashboard/api/Feed"
import { activityOf, componentsOf, leadershipOf, rowOf } from "#dashboard/api/fleet"
import { heldOf, historyOf } from "#dashboard/api/history"
import { longHistory } from "#dashboard/api/longHistory"
import type * as shapes from "#dashboard/api/shapes"
import { storiesOf } from "#dashboard/api/stories"
import { makeStreams } from "#dashboard/api/stream"
import { answerWhatIf } from "#dashboard/api/whatIf"
import { Closing } from "#dashboard/Closing"
import { refuse } from "#dashboard/guard"
import { Operations } from "#dashboard/Operations"
import { readRecords } from "#dashboard/records"
import { Health } from "#operator/Health"
import { ACTIVITIES, Ledger, type PolicyView } from "#operator/Ledger"
import { KubernetesAs } from "#services/KubernetesAs"
import { Prometheus } from "#services/Prometheus"

interface Named {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** A whole number within its bounds, and what is meant when none is given. */
const countOf = (text: string | undefined, otherwise: number, maximum: number): number => {
  const count = Number(text ?? "")
  return text !== undefined && Number.isInteger(count) && count > 0 ? Math.min(count, maximum) : otherwise
}

const STORIES = 25
const STORIES_MAX = 200
const HOURS_MAX = 24 * 31

const reading = HttpApiBuilder.group(
  Api,
  "reading",
  Effect.fnUntraced(function* (handlers) {
    const ledger = yield* Ledger
    const health = yield* Health
    const operations = yield* Operations
    const prometheus = yield* Effect.serviceOption(Prometheus)
    const closing = yield* Closing
    const modeCanBeSet = Option.isSome(yield* Effect.serviceOption(KubernetesAs))
    const feed = new Feed((yield* Random.nextInt).toString(36))

    const leader = Effect.map(operations.leadership, ({ holder, leading }): Record<string, string> =>
      leading ? {} : { "x-nimbusguard-leader": encodeURI(holder ?? "nobody") }
    )

    const standing = Effect.gen(function* () {
      const report = yield* health.report
      return {
        leadership: leadershipOf(yield* operations.leadership),
        waitingFor: report.waitingFor,
        components: componentsOf(report)
      }
    })

    const found = Effect.fnUntraced(function* (named: Named) {
      const views = yield* ledger.policies
      for (const view of views.values()) if (isNamed(view, named)) return view
      return undefined
    })

    const none = Effect.map(operations.leadership, ({ holder, leading }) =>
      refuse(
        404,
        leading ? "This operator runs no such policy" : `This operator is a standby; ${holder ?? "nobody"} leads`
      )
    )

    const look = Effect.gen(function* () {
      const views = yield* ledger.policies
      const changed = [...views.values()].filter((view) => !feed.knows(view))
      const rows = new Map<string, shapes.Row>()
      for (const view of changed) rows.set(view.ref.uid, rowOf(view, yield* ledger.records(view.ref.uid)))
      feed.look(views, rows)
    })

    const stream = yield* makeStreams({
      look,
      since: (cursor) => feed.since(cursor),
      standing,
      closing: Deferred.await(closing)
    })

    const heldBy = Effect.fnUntraced(function* (view: PolicyView, target: string | undefined) {
      const held = heldOf(yield* ledger.records(view.ref.uid), target)
      return held ?? refuse(404, `The policy has decided nothing of ${target ?? "any target"}`)
    })

    return handlers
      .handle("fleet", ({ request }) =>
        Effect.gen(function* () {
          yield* look
          const fleet: shapes.Fleet = {
            version: operations.version,
            at: yield* Clock.currentTimeMillis,
            ...(yield* standing),
            cursor: feed.cursor,
            rows: feed.rows
          }
          return yield* compressed(request, fleet)
        })
      )
      .handle("stream", ({ query, request }) => stream(request.headers["last-event-id"] ?? query.after ?? ""))
      .handle("activity", ({ query }) =>
        Effect.gen(function* () {
          const activity = (yield* ledger.activity).slice(0, countOf(query.limit, ACTIVITIES, ACTIVITIES))
          return {
            at: yield* Clock.currentTimeMillis,
            leadership: leadershipOf(yield* operations.leadership),
            activity: activity.map(activityOf)
          }
        })
      )
      .handle("detail", ({ params }) =>
        Effect.gen(function* () {
          const view = yield* found(params)
          if (view === undefined) return yield* none
          return detailOf({
            view,
            leadership: yield* operations.leadership,
            records: yield* ledger.records(view.ref.uid),
            at: yield* Clock.currentTimeMillis,
            modeCanBeSet
          })
        })
      )
      .handle("stories", ({ params, query }) =>
        Effect.gen(function* () {
          const view = yield* found(params)
          if (view === undefined) return yield* none
          const held = yield* heldBy(view, query.target)
          if (HttpServerResponse.isHttpServerResponse(held)) return held
          const stories = storiesOf(held.records, yield* ledger.deciders(view.ref.uid), {
            limit: countOf(query.limit, STORIES, STORIES_MAX),
            before: countOf(query.before, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER),
            around: query.around,
            replays: query.replay === "true"
          })
          return { ...(held.target === undefined ? {} : { target: held.target }), stories }
        })
      )
      .handle("history", ({ params, query }) =>
        Effect.gen(function* () {
          const view = yield* found(params)
          if (view === undefined) return yield* none
          const held = yield* heldBy(view, query.target)
          if (HttpServerResponse.isHttpServerResponse(held)) return held
          const records = historyOf(held, yield* ledger.deciders(view.ref.uid))
          const hours = countOf(query.hours, 0, HOURS_MAX)
          const target = held.records.at(-1)?.observation.target
          if (hours === 0 || target === undefined) return records
          if (Option.isNone(prometheus) || !prometheus.value.hasDefault) {
            return {
              ...records,
              note: "PROMETHEUS_URL is not set, so only what the operator itself remembers is shown."
            }
          }
          const now = yield* Clock.currentTimeMillis
          const asked = longHistory({ ref: view.ref, target, targets: held.targets, hours, now })
          return yield* asked.pipe(
            Effect.provideService(Prometheus, prometheus.value),
            Effect.catch(({ detail }) => Effect.succeed({ ...records, note: `Prometheus cannot be asked: ${detail}` }))
          )
        })
      )
      .handle("whatIf", ({ params, payload }) =>
        Effect.gen(function* () {
          const view = yield* found(params)
          if (view === undefined) return yield* none
          if (view.policy === undefined) return refuse(400, "The policy cannot be decoded: see its condition Ready")
          const held = yield* heldBy(view, payload.target)
          if (HttpServerResponse.isHttpServerResponse(held)) return held
          const answer = answerWhatIf(view.policy, held, payload)
          return Result.isFailure(answer) ? refuse(400, answer.failure) : answer.success
        })
      )
      .handle("policies", () =>
        Effect.gen(function* () {
          const views = inOrder((yield* ledger.policies).values())
          return HttpServerResponse.jsonUnsafe(views.map(policyJson), { headers: yield* leader })
        })
      )
      .handle("records", ({ query }) => readRecords(query))
  })
)

const isNamed = ({ ref }: PolicyView, { kind, name, namespace }: Named): boolean =>
  ref.kind === kind && ref.name === name && ref.namespace === namespace

const acting = HttpApiBuilder.group(
  Api,
  "acting",
  Effect.fnUntraced(function* (handlers) {
    const ledger = yield* Ledger
    return handlers.handle("mode", ({ headers, params, payload }) =>
      Effect.gen(function* () {
        const refused = yield* elsewhere
        if (refused !== undefined) return refused
        const views = [...(yield* ledger.policies).values()]
        const view = views.find((each) => isNamed(each, params))
        if (view === undefined) return refuse(404, "This operator runs no such policy")
        return yield* setMode(view, payload.mode, headers["x-kubernetes-token"])
      })
    )
  })
)

/** No handler touches a file: what the API's builder asks for is there in name only. */
const layerPlatform = Layer.provideMerge(HttpPlatform.layer, [FileSystem.layerNoop({}), Etag.layer, Path.layer])

export const layerApi = HttpApiBuilder.layer(Api, { openapiPath: `${API_PREFIX}/openapi.json` }).pipe(
  Layer.provide([reading, acting]),
  Layer.provide(layerPlatform)
)
