/** Backlog of a Google Cloud Pub/Sub subscription, or the age of its oldest message, as Cloud Monitoring knows them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { httpUrl, SecretKey } from "#schemas/Endpoint"
import { measured, missing } from "#schemas/Reading"
import type { Millis, Reading, Stale } from "#schemas/Reading"
import { CloudMonitoring } from "#services/CloudMonitoring"
import type { MonitoringPoint } from "#services/cloudMonitoringAnswer"
import { Secrets } from "#services/Secrets"
import { traced } from "#services/traced"
import { unusable } from "#sources/Source"
import type { SampleInput, Source } from "#sources/Source"

const METRICS = {
  NumUndeliveredMessages: {
    type: "pubsub.googleapis.com/subscription/num_undelivered_messages",
    what: "The number of undelivered messages"
  },
  OldestUnackedMessageAge: {
    type: "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
    what: "The age of the oldest message"
  }
} as const

/** One point a minute, which may take some minutes more to be seen. */
const AGE_MILLIS_MAX = 300_000
/** What is older says no more than that there was something once. */
const HISTORY_MILLIS = 86_400_000

export const PubSubOptions = Schema.Struct({
  projectId: Schema.String.annotate({ description: "Google Cloud project that holds the subscription." }).check(
    Schema.isMaxLength(128),
    Schema.isPattern(/^[a-z][-a-z0-9:.]*[a-z0-9]$/u)
  ),
  subscriptionId: Schema.String.annotate({ description: "Name of the subscription, without its project." }).check(
    Schema.isMaxLength(255),
    Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9_.~+%]{2,}$/u)
  ),
  mode: Schema.optionalKey(
    Schema.Literals(["NumUndeliveredMessages", "OldestUnackedMessageAge"]).annotate({
      description:
        "What counts: the messages that nobody has confirmed yet, or the age of the oldest of them in seconds. NumUndeliveredMessages when absent."
    })
  ),
  credentialsSecret: Schema.optionalKey(
    SecretKey.annotate({
      description:
        "Where the JSON key of a service account is; it needs the role Monitoring Viewer. Absent: the operator's own workload identity, where its GOOGLE_WORKLOAD_IDENTITY lends it."
    })
  ),
  endpoint: Schema.optionalKey(
    httpUrl(
      "Address of the Cloud Monitoring API, without /v3: a private endpoint, or an emulator. Without credentialsSecret it is asked without credentials. Absent: the operator's own (GOOGLE_MONITORING_URL)."
    )
  )
}).annotate({ description: "Undelivered messages of a Pub/Sub subscription, or the age of the oldest of them." })
export type PubSubOptions = typeof PubSubOptions.Type

const stale = ({ at, value }: MonitoringPoint, now: Millis, limit: number): Stale => ({
  _tag: "Stale",
  value,
  at,
  ageMillis: now - at,
  detail: `The newest point of Cloud Monitoring is ${Math.round((now - at) / 1000)} s old, older than ${limit / 1000} s. Points come once a minute and some minutes late: raise maxSampleAge, or check that the subscription still exists.`
})

const sampleOnce = traced("pubsub.sample")(function* (input: SampleInput<PubSubOptions>) {
  const { at, maxSampleAgeMillis, namespace, onEmpty, options } = input
  const { credentialsSecret, endpoint, mode, projectId, subscriptionId } = options
  const secrets = yield* Secrets
  const monitoring = yield* CloudMonitoring
  const credentials = credentialsSecret === undefined ? undefined : yield* secrets.get(namespace, credentialsSecret)
  const { type, what } = METRICS[mode ?? "NumUndeliveredMessages"]
  const limit = maxSampleAgeMillis !== undefined && maxSampleAgeMillis > 0 ? maxSampleAgeMillis : AGE_MILLIS_MAX
  const question = {
    project: projectId,
    metricType: type,
    resourceType: "pubsub_subscription",
    // A project may also show the subscriptions of others.
    resourceLabels: { project_id: projectId, subscription_id: subscriptionId },
    credentials,
    endpoint
  }
  const young = yield* monitoring.newest({ ...question, withinMillis: limit })
  // Nothing that young. What is older is worth showing, and must not pass for an empty subscription.
  const point =
    young ?? (yield* monitoring.newest({ ...question, withinMillis: Math.max(HISTORY_MILLIS, limit), glance: true }))
  if (point === undefined) {
    return onEmpty === "Zero"
      ? measured(0, at)
      : (missing(
          "Empty",
          `Cloud Monitoring has no point of the subscription ${subscriptionId} in ${projectId} from the last day. Check both names; a new subscription is seen after some minutes.`
        ) as Reading)
  }
  // -0 is no negative load.
  const value = point.value + 0
  const bad = unusable(value, what)
  if (bad !== undefined) return bad
  return at - point.at > limit ? stale({ value, at: point.at }, at, limit) : measured(value, Math.min(point.at, at))
})

const sample = (input: SampleInput<PubSubOptions>) =>
  sampleOnce(input).pipe(Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing)))

export const pubsub: Source<PubSubOptions, CloudMonitoring | Secrets> = {
  name: "pubsub",
  description: "Undelivered messages of a Google Cloud Pub/Sub subscription, or the age of the oldest.",
  options: PubSubOptions,
  example: {
    projectId: "my-project",
    subscriptionId: "my-subscription",
    credentialsSecret: { name: "gcp-credentials", key: "credentials.json" }
  },
  built: true,
  worksAtZero: true,
  sample
}
