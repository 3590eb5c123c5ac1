/**
 * The registry of sources, one line each, and the one place where a signal's options are decoded: once, when the
 * policy is bound, so that a tick only samples.
 */
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Refusal, Signal } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import { http } from "#sources/http"
import { kafka } from "#sources/kafka"
import { nats } from "#sources/nats"
import { prometheus } from "#sources/prometheus"
import { pubsub } from "#sources/pubsub"
import { redis } from "#sources/redis"
import { resource } from "#sources/resource"
import type { SampleInput, Source } from "#sources/Source"

/** The part of a sample's input that changes from tick to tick. */
export type BoundInput = Pick<SampleInput<never>, "namespace" | "target" | "pods" | "at">

export interface BoundSource<R> {
  readonly signal: string
  readonly source: string
  readonly built: boolean
  readonly question: (namespace: string) => unknown
  readonly sample: (input: BoundInput) => Effect.Effect<Reading, never, R>
}

export interface Plug<Options, R> extends Source<Options, R> {
  readonly bind: (signal: Signal) => Result.Result<BoundSource<R>, Refusal>
}

/** Keeps a source's options and its sampling together, so that no caller has to know what the options are. */
const plug = <Options, R>(source: Source<Options, R>): Plug<Options, R> => ({
  ...source,
  bind: (signal) =>
    Schema.decodeUnknownResult(source.options)(signal.options, { errors: "all", onExcessProperty: "error" }).pipe(
      Result.mapBoth({
        onFailure: (error): Refusal => ({
          reason: "InvalidOptions",
          path: `signals[${signal.name}].${source.name}`,
          message: `The options of ${source.name} in the signal ${signal.name} cannot be used: ${error.message}`
        }),
        onSuccess: (options) => ({
          signal: signal.name,
          source: source.name,
          built: source.built,
          question: (namespace: string) => [source.name, source.question?.(options, namespace) ?? options],
          sample: (input: BoundInput) =>
            source.sample({
              ...input,
              options,
              targetType: signal.target?.type,
              targetMilli: signal.target?.milli,
              onEmpty: signal.onEmpty,
              maxSampleAgeMillis: signal.maxSampleAgeMillis
            })
        })
      })
    )
})

export const SOURCES = {
  prometheus: plug(prometheus),
  resource: plug(resource),
  nats: plug(nats),
  redis: plug(redis),
  pubsub: plug(pubsub),
  kafka: plug(kafka),
  http: plug(http)
}

export type SourceName = keyof typeof SOURCES

type ServicesOf<P> = P extends { readonly bind: (signal: Signal) => Result.Result<BoundSource<infer R>, Refusal> }
  ? R
  : never

/** What the world must offer so that any source can be sampled. */
export type SourceServices = ServicesOf<(typeof SOURCES)[SourceName]>

const isSourceName = (name: string): name is SourceName => Object.hasOwn(SOURCES, name)

/** Decodes the signal's options once and closes over them. */
export const bindSource = (signal: Signal): Result.Result<BoundSource<SourceServices>, Refusal> =>
  isSourceName(signal.source)
    ? SOURCES[signal.source].bind(signal)
    : Result.fail({
        reason: "UnknownSource",
        path: `signals[${signal.name}]`,
        message: `There is no source ${signal.source}. Name one of ${Object.keys(SOURCES).join(", ")}.`
      })
