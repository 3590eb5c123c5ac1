// The operator's own composition of everything that sources ask, over the live egress; only Kubernetes and the settings
// are the test's. Remembers what was logged and which spans there were, so that a test can look for credentials in them.
import { inspect } from "node:util"
import { Effect, Layer, Logger, ManagedRuntime, References, Result, Stream, Tracer } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as SourceSystems from "#services/SourceSystems"
import type { Signal } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import type { Values } from "#services/Settings"
import { bindSource } from "#sources/index"
import type { BoundInput, SourceServices } from "#sources/index"
import { layerSettings } from "#test/cli/doctor/world"
import { input } from "#test/sources/sourceWorld"

export type SecretTexts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** No cluster but the Secrets of one namespace, asked for one by one, as they are at that moment. */
export const secretsOnly = (secrets: () => SecretTexts): Layer.Layer<Kubernetes> =>
  Layer.succeed(Kubernetes, {
    request: ({ method, path }) => {
      const name = /^\/api\/v1\/namespaces\/shop\/secrets\/([^/?]+)$/u.exec(path)?.[1]
      const found = name === undefined ? undefined : secrets()[name]
      return found === undefined
        ? Effect.fail(
            new KubernetesError({ reason: { _tag: "NotFound" }, request: `${method} ${path}`, detail: "not served" })
          )
        : Effect.succeed({
            data: Object.fromEntries(Object.entries(found).map(([key, text]) => [key, Base64.encode(text)]))
          })
    },
    watch: () => Stream.never
  })

export interface SourceRuntimeOptions {
  readonly kubernetes?: Layer.Layer<Kubernetes>
  readonly secrets?: SecretTexts
  readonly settings?: Partial<Values> & { readonly inCluster?: boolean }
}

export class SourceRuntime {
  /** Every line that was logged and every span, as text. */
  readonly told: Array<string> = []
  readonly #spans: Array<Tracer.NativeSpan> = []
  readonly #runtime

  constructor({ kubernetes, secrets = {}, settings = {} }: SourceRuntimeOptions = {}) {
    const logger = Logger.make(({ cause, fiber, message }) => {
      const annotations = fiber.getRef(References.CurrentLogAnnotations)
      this.told.push(inspect([message, annotations, cause], { depth: 10 }))
    })
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        this.#spans.push(span)
        return span
      }
    })
    this.#runtime = ManagedRuntime.make(
      SourceSystems.layer.pipe(
        Layer.provide(layerSettings(settings)),
        Layer.provide(kubernetes ?? secretsOnly(() => secrets)),
        Layer.provideMerge([
          Logger.layer([logger]),
          Layer.succeed(References.MinimumLogLevel, "All"),
          Layer.succeed(Tracer.Tracer, tracer)
        ])
      )
    )
  }

  /** One sample of this signal, now. */
  read(signal: Signal, more: Partial<BoundInput> = {}): Promise<Reading> {
    const bound = bindSource(signal)
    if (Result.isFailure(bound)) return Promise.reject(new Error(bound.failure.message))
    return this.run(
      Effect.clockWith((clock) =>
        Effect.flatMap(clock.currentTimeMillis, (at) => bound.success.sample(input({ at, ...more })))
      )
    )
  }

  /** Whatever asks the systems behind the sources. */
  run<A, E>(effect: Effect.Effect<A, E, SourceServices>): Promise<A> {
    return this.#runtime.runPromise(effect)
  }

  /** All that this runtime has let out beside its readings. */
  get everythingTold(): string {
    const spans = this.#spans.map(({ attributes, events, name, status }) =>
      inspect([name, attributes, events, status], { depth: 10 })
    )
    return [...this.told, ...spans].join("\n")
  }

  dispose(): Promise<void> {
    return this.#runtime.dispose()
  }
}

export const outcome = (reading: Reading): string =>
  reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`
