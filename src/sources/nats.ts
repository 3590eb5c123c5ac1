/** The backlog behind a NATS subject: what a JetStream consumer has yet to be given, and yet to confirm. */
import * as Schema from "effect/Schema"
import { httpAuthFields, httpUrl } from "#schemas/Endpoint"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

/** JetStream's own rule for names: nothing that could be a subject's separator or wildcard, or a path's. */
const jetStreamName = (description: string) =>
  Schema.String.annotate({ description }).check(Schema.isMaxLength(255), Schema.isPattern(/^[^\s.*>/\\]+$/u))

export const NatsOptions = Schema.Struct({
  natsMonitoringURL: httpUrl("Address of the NATS monitoring port, for example http://nats:8222. /jsz is asked there."),
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
  ...httpAuthFields
}).annotate({ description: "Backlog of a JetStream consumer: its pending messages and those not yet confirmed." })
export type NatsOptions = typeof NatsOptions.Type

export const nats: Source<NatsOptions, never> = {
  name: "nats",
  description: "Backlog of a NATS JetStream consumer, found by its subject.",
  options: NatsOptions,
  example: { natsMonitoringURL: "http://nats:8222", subject: "orders.processing" },
  built: true,
  worksAtZero: true,
  sample: notBuilt("nats")
}
