/** Lag of a Kafka consumer group: the messages that it has yet to read, over all partitions. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { certWithKey, SecretKey, tlsFields } from "#schemas/Endpoint"
import type { Reading } from "#schemas/Reading"
import { Kafka } from "#services/Kafka"
import type { KafkaAccess } from "#services/Kafka"
import { Secrets } from "#services/Secrets"
import { SourceError } from "#services/SourceError"
import { tlsMaterial } from "#services/tlsMaterial"
import { traced } from "#services/traced"
import { readLag } from "#sources/kafka/lag"
import type { SampleInput, Source } from "#sources/Source"

const named = {
  rule: "has(self.username) == has(self.passwordSecret)",
  message: "name username and passwordSecret together"
}

const ofATopic = {
  rule: "!has(self.partitionLimitation) || has(self.topic)",
  message: "partitionLimitation needs topic"
}

const flag = (description: string) =>
  Schema.optionalKey(Schema.Boolean.annotate({ description: `${description} False when absent.` }))

export const KafkaOptions = Schema.Struct({
  bootstrapServers: Schema.Array(
    Schema.String.annotate({ description: "host:port of a broker." }).check(
      Schema.isMaxLength(259),
      Schema.isPattern(/^[-.:_a-zA-Z0-9[\]]+:[0-9]{1,5}$/u)
    )
  )
    .annotate({
      description:
        "Brokers to ask first. Link-local and cloud metadata addresses are refused, and loopback too when the operator runs inside a cluster; so are brokers that the cluster advertises there."
    })
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
  partitionLimitation: Schema.optionalKey(
    Schema.String.annotate({
      description: "Only these partitions of the topic, as numbers and ranges: 0,2,4-7. Absent: all."
    }).check(Schema.isMaxLength(256), Schema.isPattern(/^[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*$/u))
  ),
  offsetResetPolicy: Schema.optionalKey(
    Schema.Literals(["latest", "earliest"]).annotate({
      description:
        "Where the consumers begin without a valid offset (their auto.offset.reset); latest when absent. With earliest everything that is kept counts; with latest one message in all, so that a consumer starts and commits."
    })
  ),
  scaleToZeroOnInvalidOffset: flag(
    "True: with offsetResetPolicy latest, partitions without a valid offset count nothing, not even that one message."
  ),
  allowIdleConsumers: flag(
    "True: with a target of type AverageValue, ask for more pods than there are partitions, of which some have nothing to read."
  ),
  limitToPartitionsWithLag: flag(
    "True: with a target of type AverageValue, ask for no more pods than there are partitions with a lag."
  ),
  excludePersistentLag: flag(
    "True: leave out partitions whose offset has stood still for 5 minutes while another of the group moved: more consumers do not help a stuck one."
  ),
  username: Schema.optionalKey(
    Schema.String.annotate({ description: "User for SASL; needs passwordSecret." }).check(Schema.isMaxLength(256))
  ),
  passwordSecret: Schema.optionalKey(SecretKey.annotate({ description: "Where the password for SASL is." })),
  saslMechanism: Schema.optionalKey(
    Schema.Literals(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).annotate({
      description: "How the user proves itself; PLAIN when absent."
    })
  ),
  tls: Schema.optionalKey(Schema.Boolean.annotate({ description: "Speak TLS to the brokers; false when absent." })),
  ...tlsFields
})
  .annotate({
    description: "Lag of a Kafka consumer group.",
    "x-kubernetes-validations": [named, ofATopic, certWithKey.rule]
  })
  .check(
    Schema.makeFilter<object>((options) =>
      Object.hasOwn(options, "username") === Object.hasOwn(options, "passwordSecret")
        ? undefined
        : { path: ["username"], issue: named.message }
    ),
    Schema.makeFilter<object>((options) =>
      !Object.hasOwn(options, "partitionLimitation") || Object.hasOwn(options, "topic")
        ? undefined
        : { path: ["partitionLimitation"], issue: ofATopic.message }
    ),
    certWithKey.check
  )
export type KafkaOptions = typeof KafkaOptions.Type

/** Where the cluster is and who we are there, with the Secrets in their places. */
const accessOf = Effect.fnUntraced(function* (namespace: string, options: KafkaOptions) {
  const { bootstrapServers, passwordSecret, saslMechanism, tls, username } = options
  const material = yield* tlsMaterial(namespace, options)
  if (material !== undefined && tls !== true) {
    return yield* new SourceError({
      why: "BadOptions",
      detail:
        "Certificates are named, but TLS is not spoken. Set tls: true, or remove caSecret, certSecret and keySecret."
    })
  }
  const secrets = yield* Secrets
  const password = passwordSecret === undefined ? undefined : yield* secrets.get(namespace, passwordSecret)
  return {
    bootstrapServers,
    ...(username === undefined || password === undefined
      ? {}
      : { sasl: { mechanism: saslMechanism ?? "PLAIN", username, password: Redacted.value(password) } }),
    ...(tls === true ? { tls: material ?? {} } : {})
  } satisfies KafkaAccess
})

const sampleOnce = traced("kafka.sample")(function* (input: SampleInput<KafkaOptions>) {
  const { at, namespace, onEmpty, options, pods, targetMilli, targetType } = input
  const access = yield* accessOf(namespace, options)
  const kafka = yield* Kafka
  const offsets = yield* kafka.offsets({
    access,
    group: options.consumerGroup,
    ...(options.topic === undefined ? {} : { topic: options.topic })
  })
  return readLag(offsets, {
    group: options.consumerGroup,
    topic: options.topic,
    partitionLimitation: options.partitionLimitation,
    offsetResetPolicy: options.offsetResetPolicy ?? "latest",
    scaleToZeroOnInvalidOffset: options.scaleToZeroOnInvalidOffset === true,
    excludePersistentLag: options.excludePersistentLag === true,
    allowIdleConsumers: options.allowIdleConsumers === true,
    limitToPartitionsWithLag: options.limitToPartitionsWithLag === true,
    onEmpty,
    at,
    perPod: targetType === "AverageValue" && targetMilli !== undefined ? targetMilli / 1000 : undefined,
    hasPods: pods.length > 0
  })
})

const sample = (input: SampleInput<KafkaOptions>) =>
  sampleOnce(input).pipe(Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing)))

export const kafka: Source<KafkaOptions, Kafka | Secrets> = {
  name: "kafka",
  description: "Lag of a Kafka consumer group.",
  options: KafkaOptions,
  example: { bootstrapServers: ["kafka.default.svc:9092"], consumerGroup: "workers", topic: "jobs" },
  built: true,
  worksAtZero: true,
  sample
}
