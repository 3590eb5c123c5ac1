/**
 * The port to Kafka: where a group has committed and where the logs begin and end, read together in an order that
 * never lets a commit seem ahead of its log. Whoever implements it judges every address, those that brokers advertise
 * included, and gives all the partitions or none: a sum of some would be a number for an error.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Millis } from "#schemas/Reading"
import type { SourceError } from "#services/SourceError"
import type { TlsMaterial } from "#services/tlsMaterial"

export interface SaslCredentials {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512"
  readonly username: string
  readonly password: string
}

export interface KafkaAccess {
  /** host:port, asked in this order until one answers. */
  readonly bootstrapServers: ReadonlyArray<string>
  readonly sasl?: SaslCredentials
  /** Present: speak TLS. */
  readonly tls?: TlsMaterial
}

export interface GroupQuestion {
  readonly access: KafkaAccess
  readonly group: string
  /** Absent: every topic of which the group has a commit. */
  readonly topic?: string
}

export interface PartitionOffsets {
  readonly topic: string
  readonly partition: number
  /** The next message that the group wants; undefined when it has never committed here. */
  readonly committed: bigint | undefined
  /** The oldest message that is still kept. */
  readonly earliest: bigint
  /** One behind the newest message. */
  readonly latest: bigint
  /** Since when we have seen this commit, and whether we have seen it arrive. */
  readonly standsSince: Millis
  readonly hasMoved: boolean
}

export class Kafka extends Context.Service<
  Kafka,
  { readonly offsets: (question: GroupQuestion) => Effect.Effect<ReadonlyArray<PartitionOffsets>, SourceError> }
>()("nimbusguard/services/Kafka") {}
