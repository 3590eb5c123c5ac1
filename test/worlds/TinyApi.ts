/**
 * A small honest API server behind the Kubernetes port, in memory and without a promise: latency comes from the
 * program's own chance, a request that has left its client runs on whatever becomes of the client, and faults are
 * answers of the world, never hooks in the product.
 *
 * const api = yield* TinyApi.make()
 * api.create(deployment("web", 3))                            // the world itself, at once
 * program.pipe(Effect.provide(api.layer("operator-a")))       // a client
 * const heal = api.fault((call) => call.writes === 3 ? { kind: "loseReply" } : undefined)
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Kubernetes, KubernetesError, type KubernetesRequest, type RawWatchEvent } from "#services/Kubernetes"
import { failureOf, requestName, watchFailureOf } from "#services/kubernetesStatus"
import { addressOf, answer, type Pages, selects } from "#test/worlds/tinyRequests"
import { BUILT_IN } from "#test/worlds/TinyResources"
import {
  apiVersionOf,
  type Commit,
  isObject,
  type Json,
  type JsonObject,
  objectAt,
  Refusal,
  type Resource,
  textAt,
  TinyStore,
  wordAt,
  type WriteOptions
} from "#test/worlds/TinyStore"

export type { Commit, Json, JsonObject, Resource } from "#test/worlds/TinyStore"
export { Refusal } from "#test/worlds/TinyStore"

/** One request as the world sees it; counters start at 1 and run per client incarnation and over all. */
export interface Call {
  readonly client: string
  readonly method: KubernetesRequest["method"] | "WATCH"
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  readonly at: number
  /** How many calls there were of all clients, this one included. */
  readonly calls: number
  /** How many writes there were of all clients to anything but leases and events, this one included if it is one. */
  readonly writes: number
}

export type Fault =
  /** Answered without effect, in HTTP's words: 409, 410, 429, 500, 503... */
  | { readonly kind: "refuse"; readonly status: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** Never sent: connection refused. */
  | { readonly kind: "unreachable" }
  /** Sent into the void: no effect, no answer. */
  | { readonly kind: "loseRequest" }
  /** Done, and the answer lost. */
  | { readonly kind: "loseReply" }
  /** Done, but only after so long. */
  | { readonly kind: "slow"; readonly millis: number }
  /** Done, and answered with something that is not what the API promises. */
  | { readonly kind: "garble"; readonly reply: unknown }

export type FaultRule = (call: Call) => Fault | undefined

export interface Options {
  /** One way, each way; [0, 0] does not even sleep. Default [1, 10]. */
  readonly latencyMillis?: readonly [number, number]
  /** How long the server takes over a write. Default [1, 20]. */
  readonly commitMillis?: readonly [number, number]
  /** How late watches hear of a commit. Default [0, 50]. */
  readonly watchLagMillis?: readonly [number, number]
  readonly resources?: ReadonlyArray<Resource>
}

export interface TinyPort {
  readonly service: Kubernetes["Service"]
  /** A killed process: from now on nothing gets out and nothing comes back but timeouts; what was sent goes on. */
  readonly cut: () => void
}

const DEFAULT_TIMEOUT_MILLIS = 10_000

interface Watcher {
  readonly client: string
  readonly queue: Queue.Queue<Commit | "Bookmark", KubernetesError | Cause.Done>
}

export class TinyApi {
  readonly store: TinyStore
  /** Every call that reached the server, in order. */
  readonly calls: Array<Call> = []
  readonly #options: Required<Omit<Options, "resources">>
  readonly #server: Scope.Scope
  readonly #rules = new Set<FaultRule>()
  readonly #partitioned = new Set<string>()
  readonly #watchers = new Set<Watcher>()
  readonly #pages: Pages = { next: 1, held: new Map() }
  #down = false
  #calls = 0
  #writes = 0

  private constructor(store: TinyStore, server: Scope.Scope, options: Options) {
    this.store = store
    this.#server = server
    this.#options = { latencyMillis: [1, 10], commitMillis: [1, 20], watchLagMillis: [0, 50], ...options }
    store.onCommit((commit) => {
      for (const { queue } of this.#watchers) Queue.offerUnsafe(queue, commit)
    })
  }

  /** Its requests under way end with the scope. */
  static readonly make = Effect.fnUntraced(function* (options: Options = {}) {
    const clock = yield* Clock.Clock
    const server = yield* Effect.scope
    const store = new TinyStore(() => clock.currentTimeMillisUnsafe(), [...BUILT_IN, ...(options.resources ?? [])])
    return new TinyApi(store, server, options)
  })

  // ---- the world itself: immediate, without latency or faults

  /** The kind, apiVersion and namespace are the object's own; the manager is somebody else. */
  create(object: JsonObject, options: WriteOptions = {}): JsonObject {
    const { name, namespace, resource } = this.#locate(object)
    const created = this.store.create(resource, namespace, object, options)
    const status = object["status"]
    if (!resource.status || !isObject(status)) return created
    return this.store.mergePatch(resource, namespace, name, { status }, { ...options, subresource: "status" })
  }

  /** Merges a patch into the object, whatever part of it that touches. */
  patch(
    kind: string,
    namespace: string | undefined,
    name: string,
    patch: JsonObject,
    manager = "somebody"
  ): JsonObject {
    const resource = this.store.resource(kind)
    const { status, ...rest } = patch
    let object = this.store.get(resource, namespace, name)
    if (Object.keys(rest).length > 0) object = this.store.mergePatch(resource, namespace, name, rest, { manager })
    if (status === undefined) return object
    return this.store.mergePatch(resource, namespace, name, { status }, { manager, subresource: "status" })
  }

  /** `kubectl scale` by a human. */
  scale(kind: string, namespace: string, name: string, replicas: number, manager = "kubectl"): void {
    const patch = { spec: { replicas } }
    this.store.mergePatch(this.store.resource(kind), namespace, name, patch, { manager, subresource: "scale" })
  }

  remove(kind: string, namespace: string | undefined, name: string): void {
    this.store.remove(this.store.resource(kind), namespace, name)
  }

  find(kind: string, namespace: string | undefined, name: string): JsonObject | undefined {
    return this.store.find(this.store.resource(kind), namespace, name)
  }

  get(kind: string, namespace: string | undefined, name: string): JsonObject {
    return this.store.get(this.store.resource(kind), namespace, name)
  }

  list(kind: string, namespace?: string): ReadonlyArray<JsonObject> {
    return this.store.list(this.store.resource(kind), namespace)
  }

  define(resource: Resource): void {
    this.store.define(resource)
  }

  /** Called within each commit, before anything else can happen: the place of a safety check. */
  onCommit(listener: (commit: Commit) => void): () => void {
    return this.store.onCommit(listener)
  }

  // ---- faults

  /** The first rule that says something is obeyed; the answer lifts it again. */
  fault(rule: FaultRule): () => void {
    this.#rules.add(rule)
    return () => void this.#rules.delete(rule)
  }

  /** A server that is down refuses connections and ends its watches. */
  setDown(down: boolean): void {
    this.#down = down
    if (down) this.#endWatches(() => true, unreachable("WATCH", "the server went away"))
  }

  /** A client that is cut off hears nothing; its watches stay silent, as over a dead connection. */
  setPartitioned(client: string, partitioned: boolean): void {
    if (partitioned) this.#partitioned.add(client)
    else this.#partitioned.delete(client)
  }

  /** The server closes every watch, as it does after its timeout. */
  endWatches(): void {
    this.#endWatches(() => true, undefined)
  }

  /** Every watch breaks in the middle. */
  breakWatches(): void {
    this.#endWatches(() => true, unreachable("WATCH", "connection reset"))
  }

  /** Forgets the history: older versions are Gone, and so are half-read lists. */
  compact(): void {
    this.store.compact()
    this.#pages.held.clear()
  }

  bookmark(): void {
    for (const { queue } of this.#watchers) Queue.offerUnsafe(queue, "Bookmark")
  }

  get watches(): number {
    return this.#watchers.size
  }

  // ---- clients

  layer(client = "operator"): Layer.Layer<Kubernetes> {
    return Layer.succeed(Kubernetes, this.port(client).service)
  }

  port(client: string): TinyPort {
    let cut = false
    const isCut = () => cut
    return {
      service: {
        request: (request) => this.#request(client, isCut, request),
        watch: (path, query) => this.#watch(client, isCut, path, query)
      },
      cut: () => void (cut = true)
    }
  }

  #request(client: string, isCut: () => boolean, request: KubernetesRequest): Effect.Effect<Json, KubernetesError> {
    const name = requestName(request.method, request.path)
    const within = request.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS
    const exchange = Effect.gen({ self: this }, function* () {
      if (isCut()) return yield* Effect.never
      const call = this.#call(client, request.method, request.path, request.query ?? {}, request.body)
      const fault = this.#faultOf(call)
      if (this.#down || fault?.kind === "unreachable") return yield* unreachable(name, "connection refused")
      yield* pause(this.#options.latencyMillis)
      if (isCut() || fault?.kind === "loseRequest" || this.#partitioned.has(client)) return yield* Effect.never
      if (this.#down) return yield* unreachable(name, "connection refused")
      // Forked into the server: what has arrived is done, even if nobody waits any more.
      const reply = yield* this.#serve(name, call, request, fault).pipe(
        Effect.forkIn(this.#server, { startImmediately: true }),
        Effect.flatMap(Fiber.join)
      )
      if (fault?.kind === "loseReply") return yield* Effect.never
      if (this.#down) return yield* noAnswer(request, "connection reset")
      yield* pause(this.#options.latencyMillis)
      if (isCut() || this.#partitioned.has(client)) return yield* Effect.never
      return fault?.kind === "garble" ? (fault.reply as Json) : reply
    })
    return exchange.pipe(
      Effect.timeoutOrElse({
        duration: within,
        orElse: () => Effect.fail(noAnswer(request, `no answer within ${within} ms`))
      })
    )
  }

  #serve(name: string, call: Call, request: KubernetesRequest, fault: Fault | undefined) {
    return Effect.gen({ self: this }, function* () {
      if (request.method !== "GET") yield* pause(this.#options.commitMillis)
      if (fault?.kind === "slow") {
        const bound = boundMillis(request.query?.["timeout"])
        yield* Effect.sleep(Math.min(fault.millis, bound))
        if (fault.millis >= bound) {
          const late = new Refusal(504, "Timeout", "Timeout: request did not complete within the allotted timeout")
          return yield* failureOf(name, answerOf(request.method, late, this.store.now()))
        }
      }
      return yield* Effect.suspend(() => {
        try {
          this.calls.push(call)
          if (fault?.kind === "refuse") throw refusalOf(fault)
          return Effect.succeed(answer(this.store, this.#pages, request))
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          return Effect.fail(failureOf(name, answerOf(request.method, error, this.store.now())))
        }
      })
    })
  }

  #watch(client: string, isCut: () => boolean, path: string, query: Readonly<Record<string, string>>) {
    const name = requestName("WATCH", path)
    const connect = Effect.gen({ self: this }, function* () {
      if (isCut()) return yield* Effect.never
      const call = this.#call(client, "WATCH", path, query, undefined)
      const fault = this.#faultOf(call)
      if (this.#down || fault?.kind === "unreachable") return yield* unreachable(name, "connection refused")
      yield* pause(this.#options.latencyMillis)
      if (isCut() || fault?.kind === "loseRequest" || this.#partitioned.has(client)) return yield* Effect.never
      const queue = yield* Queue.unbounded<Commit | "Bookmark", KubernetesError | Cause.Done>()
      const watcher = { client, queue }
      // Reads the backlog and listens in one step, or a commit in between would be lost.
      const open = Effect.suspend(() => {
        try {
          if (this.#down) return Effect.fail(unreachable(name, "connection refused"))
          this.calls.push(call)
          if (fault?.kind === "refuse") throw refusalOf(fault)
          const address = addressOf(this.store, path)
          const version = query["resourceVersion"] ?? "0"
          const backlog = ["", "0"].includes(version)
            ? this.#existing(address.resource, address.namespace)
            : this.store.since(Number(version))
          for (const commit of backlog) Queue.offerUnsafe(queue, commit)
          this.#watchers.add(watcher)
          return Effect.succeed(address)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          return Effect.fail(
            error.code === 410
              ? watchFailureOf(name, { code: 410, message: error.message }, this.store.now())
              : failureOf(name, answerOf("GET", error, this.store.now()))
          )
        }
      })
      const opened = yield* Effect.acquireRelease(open, () => Effect.sync(() => this.#watchers.delete(watcher)))
      const garbled = fault?.kind === "garble" ? Stream.succeed(fault.reply as RawWatchEvent) : Stream.empty
      const seconds = Number(query["timeoutSeconds"] ?? 0)
      const events = Stream.fromQueue(queue).pipe(
        Stream.mapEffect((commit) => this.#delivered(client, isCut, commit, opened, query)),
        Stream.flattenIterable
      )
      if (seconds > 0) {
        const end = Effect.sync(() => Queue.endUnsafe(queue))
        yield* Effect.forkScoped(Effect.delay(end, seconds * 1000))
      }
      return Stream.concat(garbled, events)
    })
    return Stream.unwrap(connect)
  }

  /** The events, none or one, that a watcher gets for a commit. */
  #delivered(
    client: string,
    isCut: () => boolean,
    commit: Commit | "Bookmark",
    scope: { readonly resource: Resource; readonly namespace: string | undefined },
    query: Readonly<Record<string, string>>
  ): Effect.Effect<ReadonlyArray<RawWatchEvent>> {
    return Effect.gen({ self: this }, function* () {
      const version = commit === "Bookmark" ? this.store.version : commit.version
      yield* pause(this.#options.watchLagMillis)
      if (isCut() || this.#partitioned.has(client)) return yield* Effect.never
      if (commit === "Bookmark") {
        if (query["allowWatchBookmarks"] !== "true") return []
        const { kind } = scope.resource
        const metadata = { resourceVersion: String(version) }
        return [{ type: "BOOKMARK", object: { kind, apiVersion: apiVersionOf(scope.resource), metadata } }]
      }
      const { before, object, resource } = commit
      if (resource.group !== scope.resource.group || resource.plural !== scope.resource.plural) return []
      const namespace = textAt(objectAt(object, "metadata"), "namespace")
      if (scope.namespace !== undefined && namespace !== scope.namespace) return []
      const was = before !== undefined && selects(query, before)
      const is = commit.type !== "DELETED" && selects(query, object)
      if (is) return [{ type: was ? "MODIFIED" : "ADDED", object }]
      return was ? [{ type: "DELETED", object }] : []
    })
  }

  #existing(resource: Resource, namespace: string | undefined): ReadonlyArray<Commit> {
    return this.store.list(resource, namespace).map((object) => ({
      type: "ADDED" as const,
      resource,
      before: undefined,
      object,
      version: this.store.version,
      manager: "",
      subresource: ""
    }))
  }

  #endWatches(which: (watcher: Watcher) => boolean, error: KubernetesError | undefined): void {
    for (const watcher of [...this.#watchers].filter(which)) {
      if (error === undefined) Queue.endUnsafe(watcher.queue)
      else Queue.failCauseUnsafe(watcher.queue, Cause.fail(error))
    }
  }

  #call(client: string, method: Call["method"], path: string, query: Call["query"], body: unknown): Call {
    const write = method !== "GET" && method !== "WATCH" && !/\/(leases|events)(\/|$)/u.test(path)
    if (write) this.#writes++
    const at = this.store.now()
    return { client, method, path, query, body, at, calls: ++this.#calls, writes: this.#writes }
  }

  #faultOf(call: Call): Fault | undefined {
    for (const rule of this.#rules) {
      const fault = rule(call)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #locate(object: JsonObject) {
    const apiVersion = wordAt(object, "apiVersion")
    const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : ""
    const resource = this.store.resource(wordAt(object, "kind"), group)
    const metadata = objectAt(object, "metadata")
    const namespace = resource.namespaced ? (textAt(metadata, "namespace") ?? "default") : undefined
    return { resource, namespace, name: textAt(metadata, "name") ?? "" }
  }
}

const pause = ([min, max]: readonly [number, number]): Effect.Effect<void> =>
  max <= 0 ? Effect.void : Effect.flatMap(Random.nextBetween(min, max), (millis) => Effect.sleep(millis))

/** What the client allows the server, which itself gives up after a minute. */
const boundMillis = (timeout: string | undefined): number => {
  const [, value, unit] = /^(\d+)(ms|s)$/u.exec(timeout ?? "") ?? []
  return Math.min(value === undefined ? 60_000 : Number(value) * (unit === "s" ? 1000 : 1), 60_000)
}

const unreachable = (request: string, detail: string) =>
  new KubernetesError({ request, reason: { _tag: "Unreachable" }, detail })

/** Sent, and nothing came back: a write may have happened. */
const noAnswer = (request: KubernetesRequest, detail: string) =>
  new KubernetesError({
    request: requestName(request.method, request.path),
    reason: request.method === "GET" ? { _tag: "Unreachable" } : { _tag: "Unknown" },
    detail
  })

const refusalOf = (fault: Extract<Fault, { readonly kind: "refuse" }>) =>
  new Refusal(fault.status, fault.reason ?? "Injected", "refused by the test", fault.retryAfterSeconds)

const answerOf = (method: KubernetesRequest["method"], refusal: Refusal, nowMillis: number) => ({
  method,
  status: refusal.code,
  body: { kind: "Status", code: refusal.code, reason: refusal.reason, message: refusal.message },
  retryAfter: refusal.retryAfterSeconds === undefined ? undefined : String(refusal.retryAfterSeconds),
  nowMillis
})
