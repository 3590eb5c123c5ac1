/**
 * Kubernetes Events about an object, as `kubectl describe` shows them. The name of an Event is made from what it
 * says, so that saying it again counts up one series instead of filling etcd, also after a restart.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import { Event, type EventType, type ObjectReference } from "#schemas/kubernetes/Event"
import { create, mergePatch } from "#services/kubernetesCalls"
import { microTime } from "#services/kubernetesTime"

export const REPORTING_CONTROLLER = "nimbusguard.io/operator"

export interface NewEvent {
  readonly regarding: ObjectReference
  readonly type: EventType
  /** One CamelCase word for programs. */
  readonly reason: string
  /** A sentence for people. */
  readonly note: string
  /** What was done or tried, e.g. "Scale". */
  readonly action: string
  /** Which operator says so: its pod. */
  readonly instance: string
}

const NOTE_MAX_BYTES = 1024
const INSTANCE_MAX_CHARS = 128
/** Leaves room for the hash in a name of at most 253. */
const NAME_MAX_CHARS = 230

export const eventName = (event: NewEvent): string => {
  const { regarding } = event
  const said = [regarding.kind, regarding.uid ?? "", event.type, event.reason, event.note].join("\n")
  const hash = (Hash.string(said) >>> 0).toString(16).padStart(8, "0")
  return `${regarding.name.slice(0, NAME_MAX_CHARS)}.${hash}`
}

/** Creates the Event, or counts it up where it has been said before. Fails as any write does; lose it if you must. */
export const recordEvent = Effect.fn("kubernetesEvents.recordEvent")(function* (event: NewEvent) {
  const namespace = event.regarding.namespace ?? "default"
  const collection = { apiVersion: "events.k8s.io/v1", plural: "events", namespace }
  const ref = { ...collection, name: eventName(event) }
  const now = microTime(yield* Clock.currentTimeMillis)
  const fresh = create(Event, collection, {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: ref.name, namespace },
    eventTime: now,
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: clipped(event.note),
    regarding: event.regarding,
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: event.instance.slice(0, INSTANCE_MAX_CHARS)
  })
  const again = Effect.gen(function* () {
    // A patch that changes nothing answers with the object, and so needs no permission to read Events.
    const before = yield* mergePatch(Event, ref, {})
    const count = (before.series?.count ?? 1) + 1
    yield* mergePatch(Event, ref, { series: { count, lastObservedTime: now } })
  })
  const counted = again.pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound", // expired in between
      () => Effect.asVoid(fresh)
    )
  )
  yield* fresh.pipe(
    Effect.asVoid,
    Effect.catchIf(
      (error) => error.reason._tag === "AlreadyExists",
      () => counted
    )
  )
})

/** By bytes, as the API server counts. */
const clipped = (note: string): string => {
  const bytes = new TextEncoder().encode(note)
  if (bytes.length <= NOTE_MAX_BYTES) return note
  return `${new TextDecoder().decode(bytes.slice(0, NOTE_MAX_BYTES - 6)).replace(/\uFFFD+$/u, "")}...`
}
