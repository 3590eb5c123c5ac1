/** The backlog behind a NATS subject: what a JetStream consumer has yet to be given, and yet to confirm. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { certWithKey, httpAuthFields, httpUrl, tlsFields } from "#schemas/Endpoint"
import type { Reading } from "#schemas/Reading"
import { Nats } from "#services/Nats"
import { requestHeaders } from "#services/requestHeaders"
import type { Secrets } from "#services/Secrets"
import { tlsMaterial } from "#services/tlsMaterial"
import { traced } from "#services/traced"
import { readBacklog } from "#sources/nats/backlog"
import type { SampleInput, Source } from "#sources/Source"

/** JetStream's own rule for names: nothing that could be a subject's separator or wildcard, or a path's. */
const jetStreamName = (description: string) =>
  Schema.String.annotate({ description }).check(Schema.isMaxLength(255), Schema.isPattern(/^[^\s.*>/\\]+$/u))

export const NatsOptions = Schema.Struct({
  natsMonitoringURL: httpUrl("Address of the NATS monitoring port, for example http://nats:8222. /jsz is asked there."),
  peerMonitoringURLs: Schema.optionalKey(
    Schema.Array(httpUrl("Monitoring address of another member of the cluster."))
      .annotate({
        description:
          "Monitoring addresses of the other members, where they cannot be found from the first: only a consumer's leader knows its backlog."
      })
      .check(Schema.isMaxLength(16))
  ),
  subject: Schema.String.annotate({
    description:
      "Subject whose backlog counts. The stream that covers it and the consumer that filters it are found by it."
  }).check(Schema.isMinLength(1), Schema.isMaxLength(512), Schema.isPattern(/^[^\s.]+(\.[^\s.]+)*$/u)),
  account: Schema.optionalKey(
    Schema.String.annotate({
      description: "Account that holds the stream; needed when several cover the subject."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(255))
  ),
  stream: Schema.optionalKey(jetStreamName("Stream; needed when several cover the subject.")),
  consumer: Schema.optionalKey(jetStreamName("Consumer; needed when several match the subject.")),
  aggregate: Schema.optionalKey(
    Schema.Literals(["sum", "max"]).annotate({
      description: "What to make of several matching consumers. Absent: several are an error that lists them."
    })
  ),
  ...httpAuthFields,
  ...tlsFields
})
  .annotate({
    description: "Backlog of a JetStream consumer: its pending messages and those not yet confirmed.",
    "x-kubernetes-validations": [certWithKey.rule]
  })
  .check(certWithKey.check)
export type NatsOptions = typeof NatsOptions.Type

const sampleOnce = traced("nats.sample")(function* (input: SampleInput<NatsOptions>) {
  const { at, maxSampleAgeMillis, namespace, options } = input
  const headers = yield* requestHeaders(namespace, options)
  const tls = yield* tlsMaterial(namespace, options)
  const nats = yield* Nats
  const view = yield* nats.jetStream({
    monitoringUrl: options.natsMonitoringURL,
    headers,
    ...(tls === undefined ? {} : { tls }),
    ...(options.peerMonitoringURLs === undefined ? {} : { peerUrls: options.peerMonitoringURLs }),
    ...(options.account === undefined ? {} : { account: options.account })
  })
  const reading = readBacklog(view, options, at)
  // The server's own clock is in its answer, so an old one was kept by somebody in between.
  const ageMillis = reading._tag === "Measured" ? at - reading.at : 0
  return reading._tag === "Measured" && maxSampleAgeMillis !== undefined && ageMillis > maxSampleAgeMillis
    ? ({
        _tag: "Stale",
        value: reading.value,
        at: reading.at,
        ageMillis,
        detail: `NATS answered as of ${Math.round(ageMillis / 1000)} s ago, longer than maxSampleAge. Check for a cache in between, and the clocks.`
      } satisfies Reading)
    : reading
})

const sample = (input: SampleInput<NatsOptions>) =>
  sampleOnce(input).pipe(Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing)))

export const nats: Source<NatsOptions, Nats | Secrets> = {
  name: "nats",
  description: "Backlog of a NATS JetStream consumer, found by its subject.",
  options: NatsOptions,
  example: { natsMonitoringURL: "http://nats:8222", subject: "orders.processing" },
  built: true,
  worksAtZero: true,
  question: ({ natsMonitoringURL }) => natsMonitoringURL,
  sample
}
