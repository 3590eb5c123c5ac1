/**
 * The Kubernetes port of one operator, with everything that may go wrong on the way: before the commit, after it, on
 * the way back, and in what a watch tells. The API behind it is always right.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type JsonObject, nameOf, namespaceOf, valueAt } from "#cluster/api/json"
import { makePort } from "#cluster/ClusterKubernetes"
import {
  KubernetesError,
  type Kubernetes,
  type KubernetesReason,
  type KubernetesRequest,
  type RawWatchEvent
} from "#services/Kubernetes"
import { failureOf, requestName } from "#services/kubernetesStatus"
import type { Fault, FaultKind, Trigger } from "#simulation/Fault"
import type { Life } from "#simulation/Life"
import { NAMESPACE } from "#simulation/Plant"
import type { World } from "#simulation/World"

type Answer = Effect.Effect<unknown, KubernetesError>

const DEFAULT_TIMEOUT_MILLIS = 10_000
/** Now, and before. */
const LISTS_KEPT = 2
/** What decisions to write rest on is listed from the newest state, which Kubernetes promises of a list without a version. */
const MAY_LAG = /\/(?:pods|replicasets|poddisruptionbudgets|horizontalpodautoscalers)$/u
/** What a write may still take when its operator is told to stop. */
const STOPPING_MILLIS = 4_500

export interface FaultyOptions {
  readonly world: World
  readonly life: Life
  /** What strikes that is not the port's own business: the machine's clock, the process. */
  readonly strike: (fault: Fault) => void
}

const triggersOf = ({ method, path }: KubernetesRequest): ReadonlyArray<Trigger> => {
  if (method === "GET") return ["read"]
  if (path.includes("/leases")) return ["renewal"]
  return method === "PATCH" && path.endsWith("/scale") ? ["write", "scale"] : ["write"]
}

export const makeFaultyKubernetes = ({ life, strike, world }: FaultyOptions): Kubernetes["Service"] => {
  const { chance, now, script, server } = world
  const inner = makePort(server, now, life.name)
  /** What each list said before it said something else. */
  const lists = new Map<string, ReadonlyArray<unknown>>()
  let staleReads = 0

  const failed = (
    { method, path }: Pick<KubernetesRequest, "method" | "path">,
    reason: KubernetesReason,
    detail: string
  ) => new KubernetesError({ request: requestName(method, path), reason, detail })
  const unreachable = (request: Pick<KubernetesRequest, "method" | "path">) =>
    failed(request, { _tag: "Unreachable" }, "connection refused")

  /** In one step, so that it is known who writes. */
  const answer = (request: KubernetesRequest): Answer => {
    world.writer = life.name
    const { body, status } = server.handle({ ...request, userAgent: life.name })
    world.writer = undefined
    if (status < 300) return Effect.succeed(request.method === "GET" ? aged(request, body) : body)
    return refused(request, status, body)
  }

  const refused = (request: KubernetesRequest, status: number, body: unknown): Answer =>
    Effect.fail(
      failureOf(requestName(request.method, request.path), { method: request.method, status, body, nowMillis: now() })
    )

  const aged = (request: KubernetesRequest, body: unknown): unknown => {
    const isList =
      valueAt(body as JsonObject, "metadata.uid") === undefined && Array.isArray(valueAt(body as JsonObject, "items"))
    if (!isList || !MAY_LAG.test(request.path)) return body
    const key = `${request.path}?${JSON.stringify(request.query)}`
    const before = lists.get(key) ?? []
    lists.set(key, [...before, body].slice(-LISTS_KEPT))
    if (staleReads <= 0 || script.isOver) return body
    staleReads--
    return before[0] ?? body
  }

  const patienceOf = ({ timeoutMillis = DEFAULT_TIMEOUT_MILLIS }: KubernetesRequest): number => timeoutMillis

  /** Nobody ever answers. */
  const silence = (request: KubernetesRequest): Answer =>
    Effect.andThen(
      Effect.sleep(patienceOf(request)),
      Effect.fail(failed(request, { _tag: "Unknown" }, `no answer within ${patienceOf(request)} ms`))
    )

  /** It goes on in the server whatever becomes of the client, until the time is over that the request itself names. */
  const detached = (request: KubernetesRequest, waitMillis: number): Answer =>
    Effect.suspend(() => {
      const reply = Deferred.makeUnsafe<unknown, KubernetesError>()
      const commitMillis = Number.parseInt(request.query?.["timeout"] ?? "", 10)
      const given = Number.isNaN(commitMillis) || waitMillis < commitMillis
      world.errand(
        Effect.andThen(
          Effect.sleep(given ? waitMillis : commitMillis),
          Effect.suspend(() => {
            const outcome = given ? answer(request) : refused(request, 504, { message: "the request timed out" })
            return Effect.asVoid(Effect.andThen(Effect.exit(outcome), (exit) => Deferred.done(reply, exit)))
          })
        )
      )
      const patience = patienceOf(request)
      return Effect.timeoutOrElse(Deferred.await(reply), {
        duration: patience,
        orElse: () => Effect.fail(failed(request, { _tag: "Unknown" }, `no answer within ${patience} ms`))
      })
    })

  /** What the fault makes of the request; undefined: it goes on as if nothing were. */
  const spoilt = (request: KubernetesRequest, { amount, kind }: Fault): Answer | undefined => {
    const isWrite = request.method !== "GET"
    switch (kind) {
      case "conflict":
        return isWrite && request.method !== "POST"
          ? refused(request, 409, status("Conflict", "changed meanwhile"))
          : undefined
      case "throttled":
        return refused(request, 429, {
          ...status("TooManyRequests", "slow down"),
          details: { retryAfterSeconds: amount }
        })
      case "serverError":
        return refused(request, 500, status("InternalError", "etcdserver: leader changed"))
      case "lostRequest":
        return silence(request)
      case "lostReply":
        return Effect.andThen(Effect.exit(answer(request)), silence(request))
      case "slowCommit":
        return detached(request, amount)
      case "killed":
        return Effect.andThen(
          Effect.exit(answer(request)),
          Effect.suspend(() => {
            life.end({ how: "killed", awaySeconds: amount })
            return Effect.fail(unreachable(request))
          })
        )
      case "cutOff":
        life.lostUntil = now() + amount * 1000
        return silence(request)
      case "stopped":
        // In the middle of a write, which has to be waited for.
        life.end({ how: "stopped", awaySeconds: amount })
        return isWrite ? detached(request, chance.below(STOPPING_MILLIS)) : undefined
      case "staleRead":
        staleReads = amount
        return undefined
      default:
        strike({ kind, amount, on: "write", nth: 0, pick: chance.below(1024) })
        return undefined
    }
  }

  const request = (given: KubernetesRequest): Answer =>
    Effect.suspend(() => {
      if (life.isDead || world.downUntil > now()) return Effect.fail(unreachable(given))
      if (given.path.startsWith("/apis/metrics.k8s.io/")) return Effect.suspend(() => podMetrics(world, given))
      const struck = triggersOf(given).flatMap((trigger) => script.next(trigger))
      for (const fault of struck) world.say(life.name, fault.kind, `${given.method} ${shortened(given.path)}`)
      // What people do, they do whatever becomes of the request.
      const faults = struck.filter((fault) => !world.strike(fault))
      if (life.lostUntil > now() && !script.isOver) return silence(given)
      let spoiltBy: Answer | undefined
      for (const fault of faults) spoiltBy ??= spoilt(given, fault)
      if (spoiltBy !== undefined) return spoiltBy
      // No answer comes in the same millisecond.
      const wait = 1 + chance.below(world.scenario.latencyMillis + 1)
      const arrived = Effect.suspend(() => (life.isDead ? Effect.fail(unreachable(given)) : answer(given)))
      return Effect.andThen(Effect.sleep(wait), arrived)
    })

  const watch = (path: string, query: Readonly<Record<string, string>>) => {
    const broken = Stream.fail(unreachable({ method: "GET", path }))
    const open = Effect.sync(() => {
      if (life.isDead || world.downUntil > now()) return broken
      if (life.lostUntil > now() && !script.isOver)
        return Stream.fromEffect(
          Effect.andThen(until(life.lostUntil), Effect.fail(unreachable({ method: "GET", path })))
        )
      return disturbed(path, inner.watch(path, query))
    })
    return Stream.unwrap(open)
  }

  const until = (at: number) => Effect.suspend(() => Effect.sleep(Math.max(0, at - now())))

  const disturbed = (path: string, events: Stream.Stream<RawWatchEvent, KubernetesError>) => {
    let held: RawWatchEvent | undefined
    let isClosing = false
    const cut = (at: number): Effect.Effect<ReadonlyArray<RawWatchEvent>, KubernetesError> =>
      Effect.andThen(until(at), Effect.fail(unreachable({ method: "GET", path })))
    const one = (event: RawWatchEvent): Effect.Effect<ReadonlyArray<RawWatchEvent>, KubernetesError> => {
      if (life.isDead) return Effect.never
      if (world.downUntil > now()) return cut(0)
      if (life.lostUntil > now() && !script.isOver) return cut(life.lostUntil)
      const before = held
      held = undefined
      // Of one object the order is a promise that no API server has ever broken.
      const told = before === undefined ? [event] : isSame(before, event) ? [before, event] : [event, before]
      if (event.type === "BOOKMARK") return Effect.succeed(before === undefined ? [event] : [before, event])
      const [fault] = script.next("watch")
      if (fault === undefined) return Effect.succeed(told)
      world.say(life.name, fault.kind, shortened(path))
      switch (fault.kind) {
        case "watchDropped":
          return cut(now() + fault.amount * 1000)
        case "watchDoubled":
          return Effect.succeed([...told, event])
        case "watchReordered":
          held = event
          return Effect.succeed(before === undefined ? [] : [before])
        case "watchLate":
          return Effect.as(Effect.sleep(fault.amount), told)
        case "watchClosed":
          isClosing = true
          return Effect.succeed(told)
        case "watchGone":
          return Effect.fail(failed({ method: "GET", path }, { _tag: "Gone" }, "too old resource version"))
        default:
          return Effect.succeed(told)
      }
    }
    return events.pipe(
      Stream.mapEffect(one),
      Stream.takeUntil(() => isClosing),
      Stream.flattenIterable
    )
  }

  return { request, watch }
}

const status = (reason: string, message: string): JsonObject => ({ kind: "Status", status: "Failure", reason, message })

const isSame = (a: RawWatchEvent, b: RawWatchEvent): boolean => {
  const [left, right] = [a.object as JsonObject, b.object as JsonObject]
  return nameOf(left) === nameOf(right) && namespaceOf(left) === namespaceOf(right)
}

const shortened = (path: string): string =>
  path.replace(/^\/apis?\/[^/]+(\/v[^/]+)?/u, "").replace(`/namespaces/${NAMESPACE}`, "")

/** What metrics-server would list, which counts as a question. */
const podMetrics = ({ now, plant }: World, { path }: KubernetesRequest): Answer => {
  void path
  const timestamp = new Date(now()).toISOString()
  const items = plant.usages().map(([name, milli]) => ({
    metadata: { name, namespace: NAMESPACE },
    timestamp,
    window: "15s",
    containers: [{ name: "main", usage: { cpu: `${milli}m`, memory: "64Mi" } }]
  }))
  return Effect.succeed({ kind: "PodMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {}, items })
}

export type { FaultKind }
