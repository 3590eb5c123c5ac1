/**
 * Kafka over its own protocol. Equal questions are asked once, connections are pooled by cluster and credentials and
 * closed when unused, and the protocol itself is loaded when the first policy names a group.
 */
import { lookup as lookupName } from "node:dns"
import type { LookupFunction } from "node:net"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import { TIMEOUT_MILLIS } from "#services/Egress"
import { makeJudge } from "#services/forbiddenAddresses"
import { Allowance } from "#services/httpExchange"
import { Kafka } from "#services/Kafka"
import type { GroupQuestion, KafkaAccess } from "#services/Kafka"
import { KafkaFailure, silence } from "#services/kafkaFailure"
import { Progress } from "#services/kafkaProgress"
import { Settings } from "#services/Settings"
import { sharedAnswers } from "#services/sharedAnswers"
import { SourceError } from "#services/SourceError"
import { traced } from "#services/traced"

const CLUSTERS_MAX = 1024
const CLUSTER_IDLE = "60 seconds"
/** Leaders and coordinators move within a second or two when all is well. */
const TRIES = 5
const BETWEEN_TRIES = "400 millis"

export interface KafkaSettings {
  readonly insideCluster: boolean
  /** How names become addresses. */
  readonly lookup: LookupFunction
}

const load = Effect.promise(async () => {
  const [{ KafkaBrokers }, { readOffsets }] = await Promise.all([
    import("#services/kafkaBrokers"),
    import("#services/kafkaOffsets")
  ])
  return { KafkaBrokers, readOffsets }
})

const make = Effect.fn("KafkaLive.make")(function* (settings: KafkaSettings) {
  const around = {
    judge: makeJudge(),
    lookup: settings.lookup,
    loopbackAllowed: !settings.insideCluster,
    allowance: new Allowance()
  }
  const progress = new Progress()
  const clusters = yield* RcMap.make({
    lookup: (access: string) =>
      Effect.acquireRelease(
        Effect.map(load, ({ KafkaBrokers }) => new KafkaBrokers(JSON.parse(access) as KafkaAccess, around)),
        (brokers) => Effect.sync(() => brokers.close())
      ),
    idleTimeToLive: CLUSTER_IDLE,
    capacity: CLUSTERS_MAX
  })

  const converse = Effect.fnUntraced(function* (question: GroupQuestion) {
    const brokers = yield* RcMap.get(clusters, JSON.stringify(question.access)).pipe(
      Effect.mapError(
        () => new KafkaFailure("Throttled", `More than ${CLUSTERS_MAX} clusters are asked already. Name fewer of them.`)
      )
    )
    const { readOffsets } = yield* load
    const once = Effect.tryPromise({
      try: (signal) => readOffsets(brokers, question, signal),
      catch: (cause) => cause
    }).pipe(Effect.catch((cause) => (cause instanceof KafkaFailure ? Effect.fail(cause) : Effect.die(cause))))
    return yield* once.pipe(
      Effect.tapError((failure) => (failure.again ? Effect.sleep(BETWEEN_TRIES) : Effect.void)),
      Effect.retry({ times: TRIES - 1, while: (failure) => failure.again })
    )
  }, Effect.scoped)

  const ask = Effect.fn("Kafka.ask")(function* (question: GroupQuestion) {
    const offsets = yield* converse(question).pipe(
      Effect.timeoutOrElse({
        duration: TIMEOUT_MILLIS,
        orElse: () => Effect.fail(silence(`Kafka at ${question.access.bootstrapServers.join(", ")}`, TIMEOUT_MILLIS))
      }),
      Effect.mapError((failure): SourceError => failure.sourceError)
    )
    return progress.note(JSON.stringify(question), offsets, yield* Clock.currentTimeMillis)
  })

  const shared = yield* sharedAnswers(ask)

  return Kafka.of({
    offsets: traced("Kafka.offsets")(shared)
  })
})

export const layerWith = (settings: KafkaSettings): Layer.Layer<Kafka> => Layer.effect(Kafka, make(settings))

export const layer: Layer.Layer<Kafka, never, Settings> = Layer.effect(
  Kafka,
  Effect.gen(function* () {
    const { inCluster } = yield* Settings
    return yield* make({ insideCluster: inCluster, lookup: lookupName as LookupFunction })
  })
)
