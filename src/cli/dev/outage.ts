/** A switch in front of all that measures: while it is off nobody answers, as when a monitoring system is down. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Egress, EgressError, printableUrl } from "#services/Egress"
import { Kafka } from "#services/Kafka"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { RedisWire, printableServer } from "#services/RedisWire"
import { SourceError } from "#services/SourceError"

export interface Switch {
  on: boolean
}

const METRICS_API = "/apis/metrics.k8s.io/"
const DETAIL = "does not answer: this scenario has turned off all that measures"

const egress = (answers: Switch) =>
  Layer.effect(
    Egress,
    Egress.useSync(({ request }) => ({
      request: (asked) =>
        Effect.suspend(() =>
          answers.on
            ? request(asked)
            : Effect.fail(
                new EgressError({ reason: { _tag: "Unreachable" }, url: printableUrl(asked.url), detail: DETAIL })
              )
        )
    }))
  )

const redis = (answers: Switch) =>
  Layer.effect(
    RedisWire,
    RedisWire.useSync(({ exchange }) => ({
      exchange: (server, commands) =>
        Effect.suspend(() =>
          answers.on
            ? exchange(server, commands)
            : Effect.fail(new SourceError({ why: "Unreachable", detail: `${printableServer(server)} ${DETAIL}.` }))
        )
    }))
  )

const kafka = (answers: Switch) =>
  Layer.effect(
    Kafka,
    Kafka.useSync(({ offsets }) => ({
      offsets: (question) =>
        Effect.suspend(() =>
          answers.on
            ? offsets(question)
            : Effect.fail(new SourceError({ why: "Unreachable", detail: `The Kafka of the policy ${DETAIL}.` }))
        )
    }))
  )

/** Egress, Redis and Kafka, behind the switch. */
export const behind = <E, R>(answers: Switch, ports: Layer.Layer<Egress | RedisWire | Kafka, E, R>) =>
  Layer.mergeAll(egress(answers), redis(answers), kafka(answers)).pipe(Layer.provide(ports))

/** The API server stays; only its metrics are behind the switch. */
export const kubernetesBehind = <E, R>(answers: Switch, kubernetes: Layer.Layer<Kubernetes, E, R>) =>
  Layer.effect(
    Kubernetes,
    Kubernetes.useSync(({ request, watch }) => ({
      watch,
      request: (asked) =>
        Effect.suspend(() =>
          answers.on || !asked.path.startsWith(METRICS_API)
            ? request(asked)
            : Effect.fail(
                new KubernetesError({
                  reason: { _tag: "ServerError", status: 503 },
                  request: `${asked.method} ${asked.path}`,
                  detail: `the metrics server ${DETAIL}`
                })
              )
        )
    }))
  ).pipe(Layer.provide(kubernetes))
