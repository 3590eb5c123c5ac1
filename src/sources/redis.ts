/** How much waits in a Redis list, set, sorted set, hash or stream. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { certWithKey, SecretKey, tlsFields } from "#schemas/Endpoint"
import { measured, missing } from "#schemas/Reading"
import type { Missing, Reading } from "#schemas/Reading"
import { Redis } from "#services/Redis"
import type { RedisQueue, StreamGroup } from "#services/Redis"
import { Secrets } from "#services/Secrets"
import { tlsMaterial } from "#services/tlsMaterial"
import { traced } from "#services/traced"
import { unusable } from "#sources/Source"
import type { SampleInput, Source } from "#sources/Source"

export const RedisOptions = Schema.Struct({
  host: Schema.String.annotate({
    description:
      "Host name or address of the Redis server, or of any member of a Redis cluster. Link-local and cloud metadata addresses are refused, and loopback too when the operator runs inside a cluster."
  }).check(Schema.isMaxLength(253), Schema.isPattern(/^[-.:_a-zA-Z0-9]+$/u)),
  port: Schema.optionalKey(
    Schema.Int.annotate({ description: "Port of the Redis server; 6379 when absent." }).check(
      Schema.isBetween({ minimum: 1, maximum: 65535 })
    )
  ),
  db: Schema.optionalKey(
    Schema.Int.annotate({ description: "Number of the database; 0 when absent, and always 0 in a cluster." }).check(
      Schema.isBetween({ minimum: 0, maximum: 65535 })
    )
  ),
  queueName: Schema.String.annotate({
    description: "Key of the queue: a list, set, sorted set, hash or stream. Its type is found out."
  }).check(Schema.isMinLength(1), Schema.isMaxLength(1024)),
  consumerGroup: Schema.optionalKey(
    Schema.String.annotate({
      description: "Of a stream: the group whose backlog counts; needed when it has several."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(1024))
  ),
  streamCount: Schema.optionalKey(
    Schema.Literals(["backlog", "pending", "lag", "length"]).annotate({
      description:
        "Of a stream: what counts. pending: delivered and not acknowledged; lag: not delivered yet; backlog: both, as when absent; length: all entries, read or not."
    })
  ),
  username: Schema.optionalKey(
    Schema.String.annotate({ description: "User, where the server has access control lists." }).check(
      Schema.isMaxLength(256)
    )
  ),
  password: Schema.optionalKey(
    Schema.String.annotate({
      description: "Password in plain text. Anybody who may read this object can read it: use passwordSecret."
    }).check(Schema.isMaxLength(1024))
  ),
  passwordSecret: Schema.optionalKey(SecretKey.annotate({ description: "Where the password is. Wins over password." })),
  tls: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Speak TLS to the server; false when absent, unless caSecret or certSecret is there."
    })
  ),
  ...tlsFields
})
  .annotate({
    description: "Length of a Redis queue. A key that does not exist is an empty answer (see onEmpty).",
    "x-kubernetes-validations": [certWithKey.rule]
  })
  .check(certWithKey.check)
export type RedisOptions = typeof RedisOptions.Type

const listed = (groups: ReadonlyArray<StreamGroup>) =>
  groups
    .slice(0, 10)
    .map(({ name }) => name)
    .join(", ") + (groups.length > 10 ? ", ..." : "")

/** Redis takes a list away with its last item, so that an empty queue and a misspelt one look the same. */
const NOTHING = missing(
  "Empty",
  "There is no such key in Redis. Where an empty queue means that nothing is to be done, set onEmpty: Zero; else correct queueName or db."
)

const groupOf = (groups: ReadonlyArray<StreamGroup>, wanted: string | undefined): StreamGroup | Missing => {
  if (wanted !== undefined) {
    return (
      groups.find(({ name }) => name === wanted) ??
      missing(
        "NoConsumer",
        `The stream has no group ${wanted}. Groups there: ${groups.length === 0 ? "none" : listed(groups)}. Correct consumerGroup, or create the group.`
      )
    )
  }
  const [only] = groups
  if (only === undefined) {
    return missing(
      "NoConsumer",
      "The stream has no group, and keeps its entries whether or not somebody has read them. Create the group, or set streamCount: length where readers delete what they have done."
    )
  }
  return groups.length === 1
    ? only
    : missing("AmbiguousConsumer", `The stream has several groups: ${listed(groups)}. Name one in consumerGroup.`)
}

const ofGroup = (group: StreamGroup, count: "backlog" | "pending" | "lag"): number | Missing => {
  const what = `What the group ${group.name} has not done`
  if (count === "pending") return unusable(group.pending, what) ?? group.pending
  if (group.lag === undefined) {
    return missing(
      "Empty",
      `Redis cannot tell how far behind the group ${group.name} is: it is older than 7.0, or entries that the group has not read were deleted. Set streamCount: pending or length, or let the group catch up.`
    )
  }
  const value = count === "lag" ? group.lag : group.pending + group.lag
  return unusable(Math.min(group.pending, group.lag), what) ?? unusable(value, what) ?? value
}

const valueOf = (queue: RedisQueue, { consumerGroup, streamCount = "backlog" }: RedisOptions): number | Missing => {
  switch (queue._tag) {
    case "None":
      return NOTHING
    case "Other":
      return missing(
        "BadOptions",
        `The key holds a ${queue.type}, which has no items to count. Name a list, set, sorted set, hash or stream in queueName.`
      )
    case "Length":
      return consumerGroup === undefined
        ? (unusable(queue.length, `The length of the ${queue.type}`) ?? queue.length)
        : missing(
            "BadOptions",
            `The key holds a ${queue.type}, and only a stream has groups. Remove consumerGroup, or correct queueName.`
          )
    case "Stream": {
      if (streamCount === "length") return unusable(queue.length, "The length of the stream") ?? queue.length
      const group = groupOf(queue.groups, consumerGroup)
      return "_tag" in group ? group : ofGroup(group, streamCount)
    }
  }
}

const sampleOnce = traced("redis.sample")(function* (input: SampleInput<RedisOptions>) {
  const { at, namespace, onEmpty, options } = input
  const { db = 0, host, passwordSecret, port = 6379, queueName, streamCount, username } = options
  const secrets = yield* Secrets
  const password =
    passwordSecret === undefined ? options.password : Redacted.value(yield* secrets.get(namespace, passwordSecret))
  const material = yield* tlsMaterial(namespace, options)
  const tls = material ?? (options.tls === true ? {} : undefined)
  const redis = yield* Redis
  const queue = yield* redis.queue({
    server: {
      host,
      port,
      db,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls })
    },
    key: queueName,
    groups: streamCount !== "length"
  })
  if (queue._tag === "None" && onEmpty === "Zero") return measured(0, at) as Reading
  const value = valueOf(queue, options)
  return typeof value === "number" ? measured(value, at) : value
})

const sample = (input: SampleInput<RedisOptions>) =>
  sampleOnce(input).pipe(Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing)))

export const redis: Source<RedisOptions, Redis | Secrets> = {
  name: "redis",
  description: "Length of a Redis list, set, sorted set or hash, or the backlog of a stream's group.",
  options: RedisOptions,
  example: {
    host: "redis.default.svc.cluster.local",
    port: 6379,
    db: 0,
    queueName: "job-queue",
    passwordSecret: { name: "redis", key: "password" }
  },
  built: true,
  worksAtZero: true,
  sample
}
