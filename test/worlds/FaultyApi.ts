/**
 * The embedded API server behind the Kubernetes port, with everything that may go wrong on the way to it and back:
 * latency comes from the program's own chance, a request that has left its client runs on whatever becomes of the
 * client, and faults are answers of the world, never hooks in the product. No controllers: objects stay as they are put.
 *
 * const api = yield* FaultyApi.make()
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
import { ApiServer } from "#cluster/api/ApiServer"
import { metricsOf } from "#cluster/api/builtIn"
import { resourceOf } from "#cluster/api/customResources"
import type { JsonObject } from "#cluster/api/json"
import { namespaceOf, valueAt } from "#cluster/api/json"
import { expired, Refusal } from "#cluster/api/Refusal"
import type { OpenWatch } from "#cluster/api/requests"
import type { Resource } from "#cluster/api/Resource"
import type { CommitListener } from "#cluster/api/Store"
import type { WatchEvent } from "#cluster/api/watches"
import { definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { KINDS } from "#schemas/crd/index"
import { Kubernetes, KubernetesError, type KubernetesRequest, type RawWatchEvent } from "#services/Kubernetes"
import { failureOf, requestName, watchFailureOf } from "#services/kubernetesStatus"

export type { JsonObject } from "#cluster/api/json"

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
  /** Served besides our own kinds. */
  readonly resources?: ReadonlyArray<Resource>
}

export interface FaultyPort {
  readonly service: Kubernetes["Service"]
  /** A killed process: from now on nothing gets out and nothing comes back but timeouts; what was sent goes on. */
  readonly cut: () => void
}

const DEFAULT_TIMEOUT_MILLIS = 10_000
/** Where tests put things. */
const NAMESPACES = ["shop", "bank", "ops", "nimbusguard"]

/** Of our kinds the schema holds and no rule does: what nobody has validated is the harder case for an operator. */
const OURS: ReadonlyArray<Resource> = KINDS.map((kind) => ({
  ...resourceOf(definitionOf(kind, "0.0.0", fillHole) as unknown as JsonObject),
  judge: () => []
}))

const thirdParty = (group: string, kind: string, plural: string, scale?: JsonObject): Resource =>
  resourceOf({
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, kind },
      versions: [
        {
          name: "v1alpha1",
          subresources: { status: {}, ...(scale === undefined ? {} : { scale }) },
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
        }
      ]
    }
  })

/** Not there unless a test defines them: what other autoscalers and owners of pods bring along. */
export const SCALED_OBJECT: Resource = thirdParty("keda.sh", "ScaledObject", "scaledobjects")
export const ROLLOUT: Resource = thirdParty("argoproj.io", "Rollout", "rollouts", {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".status.selector"
})

interface Watcher {
  readonly opened: OpenWatch
  readonly queue: Queue.Queue<WatchEvent, KubernetesError | Cause.Done>
}

export class FaultyApi {
  readonly server: ApiServer
  /** Every call that reached the server, in order. */
  readonly calls: Array<Call> = []
  readonly #options: Required<Omit<Options, "resources">>
  readonly #scope: Scope.Scope
  readonly #rules = new Set<FaultRule>()
  readonly #partitioned = new Set<string>()
  readonly #watchers = new Set<Watcher>()
  readonly #tokens = new Set<string>()
  #down = false
  #calls = 0
  #writes = 0

  private constructor(server: ApiServer, scope: Scope.Scope, options: Options) {
    this.server = server
    this.#scope = scope
    this.#options = { latencyMillis: [1, 10], commitMillis: [1, 20], watchLagMillis: [0, 50], ...options }
    for (const resource of [...OURS, ...(options.resources ?? [])]) server.kinds.define(resource)
    server.kinds.define(metricsOf("pods", () => []))
    for (const name of NAMESPACES) server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
  }

  /** Its requests under way end with the scope. */
  static readonly make = Effect.fnUntraced(function* (options: Options = {}) {
    const clock = yield* Clock.Clock
    const scope = yield* Effect.scope
    return new FaultyApi(new ApiServer(() => clock.currentTimeMillisUnsafe()), scope, options)
  })

  // ---- the world itself: immediate, without latency or faults

  /** The kind, apiVersion and namespace are the object's own; the manager is somebody else. */
  create(object: JsonObject, manager = "somebody"): JsonObject {
    return this.server.create(object, manager)
  }

  /** Merges a patch into the object, whatever part of it that touches. */
  patch(kind: string, namespace: string, name: string, patch: JsonObject, manager = "somebody"): JsonObject {
    const { status, ...rest } = patch
    let object = this.get(kind, namespace, name)
    if (Object.keys(rest).length > 0) object = this.server.patch(kind, namespace, name, rest, manager)
    return status === undefined ? object : this.server.patch(kind, namespace, name, { status }, manager, "status")
  }

  /** `kubectl scale` by a human. */
  scale(kind: string, namespace: string, name: string, replicas: number, manager = "kubectl"): void {
    this.server.patch(kind, namespace, name, { spec: { replicas } }, manager, "scale")
  }

  remove(kind: string, namespace: string, name: string): void {
    this.server.remove(kind, namespace, name)
  }

  find(kind: string, namespace: string, name: string): JsonObject | undefined {
    return this.server.find(kind, namespace, name)
  }

  get(kind: string, namespace: string, name: string): JsonObject {
    const found = this.find(kind, namespace, name)
    if (found === undefined) throw new Error(`there is no ${kind} ${namespace}/${name}`)
    return found
  }

  list(kind: string, namespace = ""): ReadonlyArray<JsonObject> {
    return this.server.list(kind, namespace)
  }

  /** As events.k8s.io shows them. */
  events(namespace = ""): ReadonlyArray<JsonObject> {
    const { body } = this.server.handle({ method: "GET", path: "/apis/events.k8s.io/v1/events" })
    const all = (body["items"] ?? []) as ReadonlyArray<JsonObject>
    return all.filter((event) => namespace === "" || namespaceOf(event) === namespace)
  }

  define(resource: Resource): void {
    this.server.kinds.define(resource)
  }

  /** Called within each commit, before anything else can happen: the place of a safety check. */
  onCommit(listener: CommitListener): () => void {
    return this.server.store.onCommit(listener)
  }

  now(): number {
    return this.server.now()
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
    if (down) this.#endWatches(unreachable("WATCH", "the server went away"))
  }

  /** A client that is cut off hears nothing; its watches stay silent, as over a dead connection. */
  setPartitioned(client: string, partitioned: boolean): void {
    if (partitioned) this.#partitioned.add(client)
    else this.#partitioned.delete(client)
  }

  /** The server closes every watch, as it does after its timeout. */
  endWatches(): void {
    this.#endWatches(undefined)
  }

  /** Every watch breaks in the middle. */
  breakWatches(): void {
    this.#endWatches(unreachable("WATCH", "connection reset"))
  }

  /** Forgets the history: older versions are Gone, and so are half-read lists. */
  compact(): void {
    this.server.store.compact()
    this.#tokens.clear()
  }

  bookmark(): void {
    for (const { opened, queue } of this.#watchers) {
      const event = opened.bookmark()
      if (event !== undefined) Queue.offerUnsafe(queue, event)
    }
  }

  get watches(): number {
    return this.#watchers.size
  }

  // ---- clients

  layer(client = "operator"): Layer.Layer<Kubernetes> {
    return Layer.succeed(Kubernetes, this.port(client).service)
  }

  port(client: string): FaultyPort {
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

  #request(client: string, isCut: () => boolean, request: KubernetesRequest): Effect.Effect<unknown, KubernetesError> {
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
        Effect.forkIn(this.#scope, { startImmediately: true }),
        Effect.flatMap(Fiber.join)
      )
      if (fault?.kind === "loseReply") return yield* Effect.never
      if (this.#down) return yield* noAnswer(request, "connection reset")
      yield* pause(this.#options.latencyMillis)
      if (isCut() || this.#partitioned.has(client)) return yield* Effect.never
      return fault?.kind === "garble" ? fault.reply : reply
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
          return yield* this.#failure(name, request.method, late)
        }
      }
      return yield* Effect.suspend((): Effect.Effect<unknown, KubernetesError> => {
        this.calls.push(call)
        if (fault?.kind === "refuse") {
          return this.#failure(name, request.method, refusalOf(fault), fault.retryAfterSeconds)
        }
        const token = request.query?.["continue"]
        if (token !== undefined && !this.#tokens.has(token)) {
          return this.#failure(name, request.method, expired("the list is gone"))
        }
        const { body, status } = this.server.handle({ ...request, userAgent: call.client })
        const next = valueAt(body, "metadata.continue")
        if (typeof next === "string") this.#tokens.add(next)
        if (status < 300) return Effect.succeed(body)
        return Effect.fail(failureOf(name, { method: request.method, status, body, nowMillis: this.now() }))
      })
    })
  }

  #failure(name: string, method: KubernetesRequest["method"], refusal: Refusal, retryAfterSeconds?: number) {
    const retryAfter = retryAfterSeconds === undefined ? undefined : String(retryAfterSeconds)
    const answer = { method, status: refusal.code, body: refusal.status, retryAfter, nowMillis: this.now() }
    return Effect.fail(failureOf(name, answer))
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
      const queue = yield* Queue.unbounded<WatchEvent, KubernetesError | Cause.Done>()
      // Reads the backlog and listens in one step, or a commit in between would be lost.
      const open = Effect.suspend(() => {
        if (this.#down) return Effect.fail(unreachable(name, "connection refused"))
        this.calls.push(call)
        if (fault?.kind === "refuse") return this.#failure(name, "GET", refusalOf(fault))
        const opened = this.server.watch({ method: "GET", path, query: { watch: "true", ...query }, userAgent: client })
        if ("status" in opened) {
          return Effect.fail(failureOf(name, { method: "GET", ...opened, nowMillis: this.now() }))
        }
        for (const event of opened.events) Queue.offerUnsafe(queue, event)
        const watcher = { opened, queue }
        this.#watchers.add(watcher)
        return Effect.succeed({ watcher, stop: opened.listen((event) => void Queue.offerUnsafe(queue, event)) })
      })
      yield* Effect.acquireRelease(open, ({ stop, watcher }) =>
        Effect.sync(() => {
          stop()
          this.#watchers.delete(watcher)
        })
      )
      const garbled = fault?.kind === "garble" ? Stream.succeed(fault.reply as RawWatchEvent) : Stream.empty
      const seconds = Number(query["timeoutSeconds"] ?? 0)
      const events = Stream.fromQueue(queue).pipe(
        Stream.mapEffect((event) => this.#delivered(name, client, isCut, event))
      )
      if (seconds > 0) {
        const end = Effect.sync(() => Queue.endUnsafe(queue))
        yield* Effect.forkScoped(Effect.delay(end, seconds * 1000))
      }
      return Stream.concat(garbled, events)
    })
    return Stream.unwrap(connect)
  }

  #delivered(name: string, client: string, isCut: () => boolean, { object, type }: WatchEvent) {
    return Effect.gen({ self: this }, function* () {
      if (type === "ERROR") return yield* watchFailureOf(name, object, this.now())
      yield* pause(this.#options.watchLagMillis)
      if (isCut() || this.#partitioned.has(client)) return yield* Effect.never
      return { type, object } satisfies RawWatchEvent
    })
  }

  #endWatches(error: KubernetesError | undefined): void {
    for (const { queue } of this.#watchers) {
      if (error === undefined) Queue.endUnsafe(queue)
      else Queue.failCauseUnsafe(queue, Cause.fail(error))
    }
  }

  #call(client: string, method: Call["method"], path: string, query: Call["query"], body: unknown): Call {
    const write = method !== "GET" && method !== "WATCH" && !/\/(leases|events)(\/|$)/u.test(path)
    if (write) this.#writes++
    const at = this.now()
    return { client, method, path, query, body, at, calls: ++this.#calls, writes: this.#writes }
  }

  #faultOf(call: Call): Fault | undefined {
    for (const rule of this.#rules) {
      const fault = rule(call)
      if (fault !== undefined) return fault
    }
    return undefined
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
  new Refusal(fault.status, fault.reason ?? "Injected", "refused by the test")
