/** The Kubernetes port straight onto the embedded API: no wire, no time of its own, the same failures. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { ApiServer } from "#cluster/api/ApiServer"
import type { WatchEvent } from "#cluster/api/watches"
import { Kubernetes, type KubernetesError, type KubernetesRequest, type RawWatchEvent } from "#services/Kubernetes"
import { failureOf, requestName, watchFailureOf } from "#services/kubernetesStatus"

const BOOKMARK_EVERY = "1 minute"

type Queued = Queue.Queue<WatchEvent, KubernetesError | Cause.Done>

export const makePort = (server: ApiServer, nowMillis: () => number, client = "nimbusguard"): Kubernetes["Service"] => {
  const request = (given: KubernetesRequest) =>
    Effect.suspend(() => {
      const { status, body } = server.handle({ ...given, userAgent: client })
      if (status < 300) return Effect.succeed<unknown>(body)
      const answer = { method: given.method, status, body, nowMillis: nowMillis() }
      return Effect.fail(failureOf(requestName(given.method, given.path), answer))
    })

  const delivered = (name: string, { object, type }: WatchEvent): Effect.Effect<RawWatchEvent, KubernetesError> =>
    type === "ERROR" ? Effect.fail(watchFailureOf(name, object, nowMillis())) : Effect.succeed({ type, object })

  const watch = (path: string, query: Readonly<Record<string, string>>) => {
    const name = requestName("WATCH", path)
    const connect = Effect.gen(function* () {
      const queue: Queued = yield* Queue.unbounded<WatchEvent, KubernetesError | Cause.Done>()
      // Reads what is there and listens in one step, or a commit in between would be lost.
      const open = Effect.suspend(() => {
        const opened = server.watch({ method: "GET", path, query, userAgent: client })
        if ("status" in opened) {
          return Effect.fail(failureOf(name, { method: "GET", ...opened, nowMillis: nowMillis() }))
        }
        for (const event of opened.events) Queue.offerUnsafe(queue, event)
        return Effect.succeed({ opened, close: opened.listen((event) => void Queue.offerUnsafe(queue, event)) })
      })
      const { opened } = yield* Effect.acquireRelease(open, ({ close }) => Effect.sync(close))
      const bookmark = Effect.sync(() => {
        const event = opened.bookmark()
        if (event !== undefined) Queue.offerUnsafe(queue, event)
      })
      if (opened.bookmark() !== undefined) {
        yield* Effect.forkScoped(Effect.delay(Effect.repeat(bookmark, Schedule.spaced(BOOKMARK_EVERY)), BOOKMARK_EVERY))
      }
      const seconds = Number(query["timeoutSeconds"] ?? 0)
      const end = Effect.andThen(bookmark, Queue.end(queue))
      if (seconds > 0) yield* Effect.forkScoped(Effect.delay(end, seconds * 1000))
      return Stream.mapEffect(Stream.fromQueue(queue), (event) => delivered(name, event))
    })
    return Stream.unwrap(connect)
  }

  return { request, watch }
}

/** A client by its name, which is the manager of writes that name none. */
export const layer = (server: ApiServer, nowMillis: () => number, client?: string): Layer.Layer<Kubernetes> =>
  Layer.succeed(Kubernetes, makePort(server, nowMillis, client))
