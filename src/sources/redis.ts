/** Length of a Redis list, set, sorted set or stream. The API and its options; this version does not read it yet. */
import * as Schema from "effect/Schema"
import { SecretKey } from "#schemas/Endpoint"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

export const RedisOptions = Schema.Struct({
  host: Schema.String.annotate({ description: "Host name or address of the Redis server." }).check(
    Schema.isMaxLength(253),
    Schema.isPattern(/^[-.:_a-zA-Z0-9]+$/u)
  ),
  port: Schema.optionalKey(
    Schema.Int.annotate({ description: "Port of the Redis server; 6379 when absent." }).check(
      Schema.isBetween({ minimum: 1, maximum: 65535 })
    )
  ),
  db: Schema.optionalKey(
    Schema.Int.annotate({ description: "Number of the database; 0 when absent." }).check(
      Schema.isBetween({ minimum: 0, maximum: 65535 })
    )
  ),
  queueName: Schema.String.annotate({ description: "Key of the queue." }).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(1024)
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
  passwordSecret: Schema.optionalKey(SecretKey.annotate({ description: "Where the password is." })),
  tls: Schema.optionalKey(Schema.Boolean.annotate({ description: "Speak TLS to the server; false when absent." }))
}).annotate({ description: "Length of a Redis queue. A key that does not exist is an empty answer (see onEmpty)." })
export type RedisOptions = typeof RedisOptions.Type

export const redis: Source<RedisOptions, never> = {
  name: "redis",
  description: "Length of a Redis list, set, sorted set or stream. Accepted, not read in this version yet.",
  options: RedisOptions,
  example: {
    host: "redis.default.svc.cluster.local",
    port: 6379,
    db: 0,
    queueName: "job-queue",
    passwordSecret: { name: "redis", key: "password" }
  },
  built: false,
  worksAtZero: true,
  sample: notBuilt("redis")
}
