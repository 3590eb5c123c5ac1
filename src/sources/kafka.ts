/** Lag of a Kafka consumer group. The API and its options; this version does not read it yet. */
import * as Schema from "effect/Schema"
import { SecretKey } from "#schemas/Endpoint"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

export const KafkaOptions = Schema.Struct({
  bootstrapServers: Schema.Array(
    Schema.String.annotate({ description: "host:port of a broker." }).check(
      Schema.isMaxLength(259),
      Schema.isPattern(/^[-.:_a-zA-Z0-9[\]]+:[0-9]{1,5}$/u)
    )
  )
    .annotate({ description: "Brokers to ask first." })
    .check(Schema.isMinLength(1), Schema.isMaxLength(16)),
  consumerGroup: Schema.String.annotate({ description: "Consumer group whose lag counts." }).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(255)
  ),
  topic: Schema.optionalKey(
    Schema.String.annotate({ description: "Topic; absent: every topic that the group reads." }).check(
      Schema.isMaxLength(249),
      Schema.isPattern(/^[-._a-zA-Z0-9]+$/u)
    )
  ),
  username: Schema.optionalKey(
    Schema.String.annotate({ description: "User for SASL." }).check(Schema.isMaxLength(256))
  ),
  passwordSecret: Schema.optionalKey(SecretKey.annotate({ description: "Where the password for SASL is." })),
  saslMechanism: Schema.optionalKey(
    Schema.Literals(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).annotate({
      description: "How the user proves itself; PLAIN when absent."
    })
  ),
  tls: Schema.optionalKey(Schema.Boolean.annotate({ description: "Speak TLS to the brokers; false when absent." }))
}).annotate({ description: "Lag of a Kafka consumer group." })
export type KafkaOptions = typeof KafkaOptions.Type

export const kafka: Source<KafkaOptions, never> = {
  name: "kafka",
  description: "Lag of a Kafka consumer group. Accepted, not read in this version yet.",
  options: KafkaOptions,
  example: { bootstrapServers: ["kafka.default.svc:9092"], consumerGroup: "workers", topic: "jobs" },
  built: false,
  worksAtZero: true,
  sample: notBuilt("kafka")
}
