/**
 * Events in: somebody noticed something about a service, so the policies that scale it look now instead of at their
 * next tick. An event never scales by itself, and each policy is woken at most once a second.
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { Operations } from "#dashboard/Operations"
import { eventsGuard, refuse } from "#dashboard/guard"
import { Ledger, type PolicyView } from "#operator/Ledger"

export const EVENTS_PATH = "/api/v1/events/trigger"
const BODY_BYTES = 16 * 1024
const WAKE_EVERY_MILLIS = 1_000

const Word = Schema.NonEmptyString.check(Schema.isMaxLength(253))
const Trigger = Schema.Struct({
  event_type: Word,
  service: Word,
  value: Schema.Finite,
  namespace: Schema.optionalKey(Word)
})

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Trigger), { errors: "all" })
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()
const EXAMPLE = `{"event_type": "high_cpu_usage", "service": "consumer-workload", "value": 90}`

const concerns = ({ ref, targets }: PolicyView, event: typeof Trigger.Type): boolean =>
  ref.name === event.service
    ? event.namespace === undefined || ref.namespace === event.namespace
    : targets.some(
        ({ name, namespace }) =>
          name === event.service && (event.namespace === undefined || namespace === event.namespace)
      )

const problem = (error: Schema.SchemaError): string =>
  formatIssue(error.issue)
    .issues.map(({ path, message }) => {
      const name = (path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".")
      return name === "" ? message : `${name}: ${message}`
    })
    .join("; ")

export const eventRoutes = (token: Redacted.Redacted<string> | undefined) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const ledger = yield* Ledger
      const operations = yield* Operations
      const guard = eventsGuard(token)
      const wokenAt = new Map<string, number>()

      const trigger = Effect.fn("events.trigger")(function* (event: typeof Trigger.Type) {
        const views = yield* ledger.policies
        for (const uid of wokenAt.keys()) if (!views.has(uid)) wokenAt.delete(uid)
        const now = yield* Clock.currentTimeMillis
        const woken: Array<PolicyView["ref"]> = []
        let matched = 0
        for (const [uid, view] of views) {
          if (!concerns(view, event)) continue
          matched++
          if (now - (wokenAt.get(uid) ?? Number.NEGATIVE_INFINITY) < WAKE_EVERY_MILLIS) continue
          if (!(yield* operations.wake(uid, `event ${event.event_type} (${event.value})`))) continue
          wokenAt.set(uid, now)
          woken.push(view.ref)
        }
        // A flood of events must not become a flood of lines.
        yield* Effect.logWithLevel(woken.length > 0 ? "Info" : "Debug")(
          `Event ${event.event_type} of ${event.service} woke ${woken.length} of ${matched} policies`
        )
        return HttpServerResponse.jsonUnsafe(
          {
            woke: woken.length,
            matched,
            policies: woken.map(({ kind, namespace, name }) => ({ kind, namespace, name })),
            ...(matched === 0 ? { message: `No policy scales ${event.service}` } : {})
          },
          { status: 202 }
        )
      })

      const handle = Effect.gen(function* () {
        const refusal = yield* guard
        if (refusal !== undefined) return refusal
        const { leading, holder } = yield* operations.leadership
        if (!leading) {
          const who = holder === undefined ? "nobody leads at the moment" : `${holder} leads`
          return refuse(503, `This operator is a standby; ${who}: ask there`, { "retry-after": "1" })
        }
        const request = yield* HttpServerRequest.HttpServerRequest
        // A web page can send other types across origins without asking first.
        if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
          return refuse(415, "Send JSON, with the header Content-Type: application/json")
        }
        if (!(Number(request.headers["content-length"] ?? 0) <= BODY_BYTES)) {
          return refuse(413, `Send at most ${BODY_BYTES} bytes`)
        }
        const body = yield* Effect.result(request.text)
        if (Result.isFailure(body)) {
          const { reason } = body.failure
          return reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
            ? refuse(413, `Send at most ${BODY_BYTES} bytes`)
            : refuse(400, `The body could not be read; send for example ${EXAMPLE}`)
        }
        const event = decode(body.success)
        return Result.isSuccess(event)
          ? yield* trigger(event.success)
          : refuse(400, `${problem(event.failure)}. Send for example ${EXAMPLE}`)
      }).pipe(Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(BODY_BYTES)))
      yield* router.add("POST", EVENTS_PATH, handle)
    })
  )
