/**
 * The stream of changes as Server-Sent Events. Each event carries the cursor that it leads to, which the browser sends
 * back as Last-Event-ID when the connection was lost; a line every few seconds keeps it open and shows that it lives.
 * However many listen, the fleet is looked at once a second, and no more than a bound of them may.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { refuse } from "#dashboard/guard"
import type { Since } from "./Feed.ts"
import type { Change, Standing } from "./shapes.ts"

const LOOK_MILLIS = 1_000
/** Streams that look within this time share it; less than the time between looks, as a timer may come early. */
const SHARED_MILLIS = 900
/** Each is a connection and a fiber of the operator's own process; more pages than this are no people. */
export const STREAMS_MAX = 64
const ALIVE_MILLIS = 10_000
/** How soon a browser tries again. */
const RETRY_MILLIS = 1_500

export interface StreamsInput {
  /** Brings the feed up to date. */
  readonly look: Effect.Effect<void>
  readonly since: (cursor: string) => Since | undefined
  readonly standing: Effect.Effect<Standing>
  /** Comes back when the listener is to end: an open page must not hold up an operator that hands over. */
  readonly closing: Effect.Effect<void>
}

interface Seen {
  readonly standing: Standing
  readonly said: string
}

interface Reader {
  readonly cursor: string
  readonly saidAt: number
  readonly said: string
}

const event = (name: string, id: string | undefined, data: unknown): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

type StreamInput = Pick<StreamsInput, "closing" | "since"> & { readonly look: Effect.Effect<Seen> }

const next = Effect.fnUntraced(function* (input: StreamInput, reader: Reader) {
  const { said, standing } = yield* input.look
  const at = yield* Clock.currentTimeMillis
  const since = input.since(reader.cursor)
  if (since === undefined) return [event("reset", undefined, {}), Option.none<Reader>()] as const
  const news = since.rows.length + since.gone.length > 0 || said !== reader.said
  if (!news && at - reader.saidAt < ALIVE_MILLIS) return ["", Option.some(reader)] as const
  const change: Change = { at, ...standing, rows: since.rows, gone: since.gone }
  return [event("change", since.cursor, change), Option.some({ cursor: since.cursor, saidAt: at, said })] as const
})

const streamResponse = (input: StreamInput, cursor: string): HttpServerResponse.HttpServerResponse => {
  const first: Reader = { cursor, saidAt: Number.NEGATIVE_INFINITY, said: "" }
  const events = Stream.paginate(first, (reader: Reader) =>
    Effect.gen(function* () {
      if (reader !== first) yield* Effect.sleep(LOOK_MILLIS)
      const [text, after] = yield* next(input, reader)
      return [text === "" ? [] : [text], after] as const
    })
  )
  return HttpServerResponse.stream(
    Stream.concat(Stream.succeed(`retry: ${RETRY_MILLIS}\n\n`), events).pipe(
      Stream.interruptWhen(input.closing),
      Stream.encodeText
    ),
    { contentType: "text/event-stream", headers: { "cache-control": "no-store" } }
  )
}

/** Answers a request for the stream from a cursor on; its place is free again when the request's scope closes. */
export const makeStreams = Effect.fnUntraced(function* ({ closing, look, since, standing }: StreamsInput) {
  const seen = Effect.map(Effect.andThen(look, standing), (told) => ({ standing: told, said: JSON.stringify(told) }))
  const input: StreamInput = { closing, since, look: yield* Effect.cachedWithTTL(seen, SHARED_MILLIS) }
  let open = 0
  const place = Effect.acquireRelease(
    Effect.sync(() => {
      const isFree = open < STREAMS_MAX
      if (isFree) open += 1
      return isFree
    }),
    (isTaken) =>
      Effect.sync(() => {
        if (isTaken) open -= 1
      })
  )
  return (cursor: string) =>
    Effect.map(place, (isTaken) =>
      isTaken
        ? streamResponse(input, cursor)
        : refuse(503, `${STREAMS_MAX} pages listen already: close one, or read /api/v1/fleet`, { "retry-after": "10" })
    )
})
