/**
 * List and watch as a named state machine over the port. `transition` is pure and knows when to list, when to
 * resume and how long to wait; `runWatch` does what it says, for ever. A list is told between Init and InitDone, so
 * that whoever listens swaps it in at once and keeps the last known state while the API server is away.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { List, Versioned } from "#schemas/kubernetes/List"
import { Kubernetes, KubernetesError, type RawWatchEvent } from "#services/Kubernetes"
import { type Collection, collectionPath, decode, LIST_LIMIT } from "#services/kubernetesCalls"
import { requestName } from "#services/kubernetesStatus"

/** Objects are as they stand on the wire; those of a list come without kind and apiVersion. */
export type WatchEvent =
  | { readonly _tag: "Init" }
  | { readonly _tag: "InitApply"; readonly object: unknown }
  | { readonly _tag: "InitDone" }
  | { readonly _tag: "Applied"; readonly object: unknown }
  | { readonly _tag: "Deleted"; readonly object: unknown }

export type State =
  /** Nothing is known, or what is known is too old to go on from. */
  | { readonly _tag: "Unlisted" }
  /** Between two pages of a list. */
  | { readonly _tag: "Listing"; readonly token: string }
  /** Everything up to this version has been told. */
  | { readonly _tag: "Watching"; readonly resourceVersion: string }

export type Input =
  | { readonly _tag: "Paged"; readonly page: List }
  | { readonly _tag: "Came"; readonly event: RawWatchEvent; readonly resourceVersion: string }
  /** The watch has been open for a while, so that it can be called well although nothing has come yet. */
  | { readonly _tag: "Held" }
  /** The server closed the watch, as it does every few minutes. */
  | { readonly _tag: "Ended"; readonly livedMillis: number }
  /** Not even a bookmark for so long: a dead connection, or a server that was restored to an older version. */
  | { readonly _tag: "Silent" }
  | { readonly _tag: "Failed"; readonly error: KubernetesError }
  /** Somebody has to know what is true now, and not what was when the connection was last alive. */
  | { readonly _tag: "Hurried" }

export interface Machine {
  readonly state: State
  /** Failures, and watches that ended without a word, since something last went well. */
  readonly streak: number
  /** How often in a row the server said that it serves no such kind, whatever else went wrong before. */
  readonly unserved?: number
}

export interface Step extends Machine {
  readonly tell: ReadonlyArray<WatchEvent>
}

export const initial: Machine = { state: { _tag: "Unlisted" }, streak: 0 }

const BACKOFF_MILLIS = 800
const BACKOFF_MAX_MILLIS = 30_000
/**
 * A server that nobody can reach is not burdened by being asked, and is not to be missed for long when it is back. How
 * long it was away does not count against what it says then: while it starts, it refuses what it will allow.
 */
const AWAY_STREAK_MAX = 3
/** A watch that fails so often from one version is begun anew with a list. */
const RELIST_AFTER_FAILURES = 5
/** A kind that is not served so often in a row is not there, and neither are its objects. */
const ABSENT_AFTER_FAILURES = 3
/** A watch that lasted so long was a good one, even if it had nothing to tell. */
const LIVED_MILLIS = 10_000
/** Longer than any attempt to open a watch can take. */
const HELD_MILLIS = 20_000
/** Bookmarks come about once a minute. */
const SILENCE_MILLIS = 150_000
const TIMEOUT_SECONDS = [300, 600] as const

const UNLISTED: State = { _tag: "Unlisted" }
const HURRIED: Input = { _tag: "Hurried" }

export const transition = (machine: Machine, input: Input, absentAfter = ABSENT_AFTER_FAILURES): Step => {
  const { state, streak } = machine
  switch (input._tag) {
    case "Paged": {
      const { continue: token = "", resourceVersion } = input.page.metadata
      const first: ReadonlyArray<WatchEvent> = state._tag === "Listing" ? [] : [{ _tag: "Init" }]
      const items = (input.page.items ?? []).map((object): WatchEvent => ({ _tag: "InitApply", object }))
      return token === ""
        ? { state: { _tag: "Watching", resourceVersion }, streak: 0, tell: [...first, ...items, { _tag: "InitDone" }] }
        : { state: { _tag: "Listing", token }, streak, tell: [...first, ...items] }
    }
    case "Came": {
      const { event, resourceVersion } = input
      const next: State = { _tag: "Watching", resourceVersion }
      if (event.type === "BOOKMARK") return { state: next, streak: 0, tell: [] }
      const _tag = event.type === "DELETED" ? "Deleted" : "Applied"
      return { state: next, streak: 0, tell: [{ _tag, object: event.object }] }
    }
    case "Held":
      return { state, streak: 0, tell: [] }
    case "Ended":
      return { state, streak: input.livedMillis >= LIVED_MILLIS ? 0 : streak + 1, tell: [] }
    case "Silent":
      return { state: UNLISTED, streak: streak + 1, tell: [] }
    case "Hurried":
      return { state: UNLISTED, streak: 0, tell: [] }
    case "Failed":
      return failed(machine, input.error, absentAfter)
  }
}

const failed = ({ state, streak, unserved = 0 }: Machine, error: KubernetesError, absentAfter: number): Step => {
  const failures = streak + 1
  switch (error.reason._tag) {
    case "Gone":
      // The answer of a server that is well again: what came before does not count.
      return { state: UNLISTED, streak: 1, tell: [] }
    case "NotFound": {
      // Said by a server that is up, and said again: the kind is not installed, or no longer.
      const absent = unserved + 1 === absentAfter
      const tell: ReadonlyArray<WatchEvent> = absent ? [{ _tag: "Init" }, { _tag: "InitDone" }] : []
      return { state: UNLISTED, streak: failures, unserved: unserved + 1, tell }
    }
    case "Malformed":
      return { state: UNLISTED, streak: failures, tell: [] }
    // Away or busy: what is known stays good, and a list would only add to the load.
    case "Unreachable":
      return { state: resumed(state), streak: Math.min(failures, AWAY_STREAK_MAX), tell: [] }
    case "Throttled":
      return { state: resumed(state), streak: failures, tell: [] }
    default: {
      const stuck = state._tag === "Watching" && failures % RELIST_AFTER_FAILURES !== 0
      return { state: stuck ? state : UNLISTED, streak: failures, tell: [] }
    }
  }
}

const resumed = (state: State): State => (state._tag === "Listing" ? UNLISTED : state)

/** Before the next step, without jitter. What ends by itself is resumed at once, unless it keeps ending. */
export const pauseMillis = (machine: Machine, input: Input): number => {
  const attempts = input._tag === "Ended" ? machine.streak - 1 : machine.streak
  if (attempts <= 0) return 0
  const reason = input._tag === "Failed" ? input.error.reason : undefined
  const backoff = Math.min(BACKOFF_MILLIS * 2 ** Math.min(attempts - 1, 10), BACKOFF_MAX_MILLIS)
  return reason?._tag === "Throttled" ? Math.max(reason.retryAfterMillis, backoff) : backoff
}

export interface WatchOptions {
  readonly collection: Collection
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Objects per page of a list. */
  readonly limit?: number
  /** A kind that need not be installed is absent as soon as the server says so. */
  readonly optional?: boolean
  /** What goes on, for health and logs: undefined when all is well again. */
  readonly onTrouble?: (error: KubernetesError | undefined) => Effect.Effect<void>
  /** Opened by whoever hurries: whatever goes on is cut short, and everything is listed anew. */
  readonly hurry?: Latch.Latch
}

/** Tells every event to `tell`, one at a time, in order. Never ends and never fails. */
export const runWatch = <R>(
  options: WatchOptions,
  tell: (event: WatchEvent) => Effect.Effect<void, never, R>
): Effect.Effect<never, never, R | Kubernetes> =>
  Effect.gen(function* () {
    const kubernetes = yield* Kubernetes
    const path = collectionPath(options.collection)
    const selectors = {
      ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
      ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector })
    }
    let machine: Machine = initial
    let troubled = false

    const take = Effect.fnUntraced(function* (input: Input) {
      const { tell: events, ...next } = transition(machine, input, options.optional === true ? 1 : undefined)
      machine = next
      for (const event of events) yield* tell(event)
      const trouble = input._tag === "Failed" && isTrouble(input.error, options) ? input.error : undefined
      if (trouble === undefined && !troubled) return
      // A failure that is no trouble is the answer of a server that is well; an end without a word proves nothing.
      if (trouble === undefined && next.streak > 0 && input._tag !== "Failed") return
      yield* options.onTrouble?.(trouble) ?? Effect.void
      troubled = trouble !== undefined // after it, so that whoever hurries in between leaves no trouble untold
    })

    const list = (token: string | undefined) => {
      const query = {
        limit: String(options.limit ?? LIST_LIMIT),
        ...selectors,
        ...(token === undefined ? {} : { continue: token })
      }
      return kubernetes
        .request({ method: "GET", path, query })
        .pipe(Effect.flatMap((body) => decode(List)({ method: "GET", path }, body)))
    }

    /** One connection, from its opening to its end; the answer says how it ended. */
    const follow = Effect.fnUntraced(function* (resourceVersion: string) {
      const [min, max] = TIMEOUT_SECONDS
      const timeoutSeconds = String(yield* Random.nextIntBetween(min, max))
      const query = { watch: "true", allowWatchBookmarks: "true", resourceVersion, timeoutSeconds, ...selectors }
      const startedAt = yield* Clock.currentTimeMillis
      yield* Effect.forkScoped(Effect.delay(take({ _tag: "Held" }), HELD_MILLIS), { startImmediately: true })
      // Pulled by hand: Effect 4.1's timeouts of streams merge two fibers, and can lose a failure that comes at once.
      const pull = yield* Stream.toPull(Stream.mapEffect(kubernetes.watch(path, query), (event) => came(path, event)))
      const next = pull.pipe(
        Pull.catchDone(() => Effect.succeed(undefined)),
        Effect.timeoutOption(SILENCE_MILLIS)
      )
      while (true) {
        const chunk = yield* next
        if (Option.isNone(chunk)) return { _tag: "Silent" } satisfies Input
        if (chunk.value === undefined) {
          return { _tag: "Ended", livedMillis: (yield* Clock.currentTimeMillis) - startedAt } satisfies Input
        }
        for (const input of chunk.value) yield* take(input)
      }
    }, Effect.scoped)

    const step = Effect.suspend((): Effect.Effect<Input, KubernetesError, R> => {
      const { state } = machine
      if (state._tag === "Watching") return follow(state.resourceVersion)
      const page = list(state._tag === "Listing" ? state.token : undefined)
      return Effect.map(page, (page): Input => ({ _tag: "Paged", page }))
    })

    const { hurry } = options
    const unlessHurried = <A>(wait: Effect.Effect<A, never, R | Kubernetes>) =>
      hurry === undefined ? wait : Effect.raceFirst(wait, Effect.as(Latch.await(hurry), HURRIED))
    const stepped = step.pipe(Effect.catch((error) => Effect.succeed<Input>({ _tag: "Failed", error })))

    /** By itself, because whatever a generator names it keeps: a page of a list for as long as the watch after it. */
    const turn = Effect.gen(function* () {
      const input = yield* unlessHurried(stepped)
      yield* take(input)
      return pauseMillis(machine, input)
    })

    while (true) {
      const pause = yield* turn
      if (pause > 0) {
        yield* unlessHurried(Effect.flatMap(Random.nextBetween(1, 1.4), (factor) => Effect.sleep(pause * factor)))
      }
      if (hurry !== undefined && Latch.isOpen(hurry)) {
        yield* Latch.close(hurry)
        yield* take(HURRIED)
      }
    }
  })

const isTrouble = ({ reason }: KubernetesError, { optional = false }: WatchOptions) =>
  reason._tag !== "Gone" && !(optional && reason._tag === "NotFound")

/** The same as a stream; a slow reader slows the watch down. */
export const watch = (options: WatchOptions): Stream.Stream<WatchEvent, never, Kubernetes> =>
  Stream.callback<WatchEvent, never, Kubernetes>(
    (queue) => runWatch(options, (event) => Effect.asVoid(Queue.offer(queue, event))),
    { bufferSize: 64, strategy: "suspend" }
  )

const decodeVersioned = Schema.decodeUnknownOption(Versioned)

const came = (path: string, event: RawWatchEvent): Effect.Effect<Input, KubernetesError> =>
  Option.match(decodeVersioned(event.object), {
    onNone: () =>
      Effect.fail(
        new KubernetesError({
          request: requestName("WATCH", path),
          reason: { _tag: "Malformed" },
          detail: `a ${event.type} event without metadata.resourceVersion`
        })
      ),
    onSome: ({ metadata }) => Effect.succeed({ _tag: "Came", event, resourceVersion: metadata.resourceVersion })
  })
