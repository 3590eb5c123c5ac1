/**
 * The stream of changes as Server-Sent Events. Each event carries the cursor that it leads to, which the browser sends
 * back as Last-Event-ID when the connection was lost; a line every few seconds keeps it open and shows that it lives.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Since } from "./Feed.ts"
import type { Change, Standing } from "./shapes.ts"

const LOOK_MILLIS = 1_000
const ALIVE_MILLIS = 10_000
/** How soon a browser tries again. */
const RETRY_MILLIS = 1_500

export interface StreamInput {
  readonly cursor: string
  /** Brings the feed up to date, and answers what has changed since. */
  readonly since: (cursor: string) => Effect.Effect<Since | undefined>
  readonly standing: Effect.Effect<Standing>
  /** Comes back when the listener is to end: an open page must not hold up an operator that hands over. */
  readonly closing: Effect.Effect<void>
}

interface Reader {
  readonly cursor: string
  readonly saidAt: number
  readonly said: string
}

const event = (name: string, id: string | undefined, data: unknown): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

const look = Effect.fnUntraced(function* (input: StreamInput, reader: Reader) {
  const at = yield* Clock.currentTimeMillis
  const since = yield* input.since(reader.cursor)
  if (since === undefined) return [event("reset", undefined, {}), Option.none<Reader>()] as const
  const standing = yield* input.standing
  const said = JSON.stringify(standing)
  const news = since.rows.length + since.gone.length > 0 || said !== reader.said
  if (!news && at - reader.saidAt < ALIVE_MILLIS) return ["", Option.some(reader)] as const
  const change: Change = { at, ...standing, rows: since.rows, gone: since.gone }
  const next: Reader = { cursor: since.cursor, saidAt: at, said }
  return [event("change", since.cursor, change), Option.some(next)] as const
})

export const streamResponse = (input: StreamInput): HttpServerResponse.HttpServerResponse => {
  const first: Reader = { cursor: input.cursor, saidAt: Number.NEGATIVE_INFINITY, said: "" }
  const events = Stream.paginate(first, (reader) =>
    Effect.gen(function* () {
      if (reader !== first) yield* Effect.sleep(LOOK_MILLIS)
      const [text, next] = yield* look(input, reader)
      return [text === "" ? [] : [text], next] as const
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
