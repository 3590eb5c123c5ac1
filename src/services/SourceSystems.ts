/**
 * Every outside system that a source may ask, as one layer: what the operator runs with and what `doctor` asks with
 * are made in one place, behind the same guards for tenants' URLs and Secrets.
 */
import * as Layer from "effect/Layer"
import * as CloudMonitoring from "#services/CloudMonitoring"
import * as EgressLive from "#services/EgressLive"
import * as GoogleMetadataLive from "#services/GoogleMetadataLive"
import * as GoogleTokensLive from "#services/GoogleTokensLive"
import * as HttpJson from "#services/HttpJson"
import * as KafkaLive from "#services/KafkaLive"
import * as Nats from "#services/Nats"
import * as Prometheus from "#services/Prometheus"
import * as Redis from "#services/Redis"
import * as RedisWireLive from "#services/RedisWireLive"
import * as ResourceMetrics from "#services/ResourceMetrics"
import * as Secrets from "#services/Secrets"

const layerCloudMonitoring = CloudMonitoring.layer.pipe(
  Layer.provide(GoogleTokensLive.layer),
  Layer.provide(GoogleMetadataLive.layer)
)

const layerRedis = Redis.layer.pipe(Layer.provide(RedisWireLive.layer))

/** Kubernetes and Settings are given. */
export const layer = Layer.mergeAll(
  ResourceMetrics.layer,
  Nats.layer,
  KafkaLive.layer,
  HttpJson.layer,
  layerRedis,
  Secrets.layer,
  layerCloudMonitoring
).pipe(Layer.provideMerge(Prometheus.layer), Layer.provideMerge(EgressLive.layer))
