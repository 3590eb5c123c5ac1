/**
 * Installs CustomResourceDefinitions, and never puts an older one over a newer: each carries the version of
 * nimbusguard that wrote it, so that an old operator started by mistake cannot take fields away from a new one.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { KubernetesError } from "#services/Kubernetes"
import { apply, type Collection, find } from "#services/kubernetesCalls"
import { retryIdempotent } from "#services/kubernetesRetry"

export const VERSION_ANNOTATION = "nimbusguard.io/version"

const CRDS: Collection = { apiVersion: "apiextensions.k8s.io/v1", plural: "customresourcedefinitions" }
const ESTABLISHED_WITHIN = "30 seconds"

export interface CrdDocument {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly [field: string]: unknown
}

const Installed = Schema.Struct({
  metadata: Schema.Struct({ annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)) }),
  status: Schema.optionalKey(
    Schema.Struct({
      // null in the first moment of a CRD's life
      conditions: Schema.optionalKey(
        Schema.NullOr(Schema.Array(Schema.Struct({ type: Schema.String, status: Schema.String })))
      )
    })
  )
})

const numbers = (version: string): ReadonlyArray<number> =>
  (version.split(/[-+]/, 1)[0] ?? "").split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : 0))

export type Currency = "current" | "older" | "newer" | "unversioned"

/** How an installed CRD compares with the ones of this version. */
export const currency = (annotations: Readonly<Record<string, string>> | undefined, version: string): Currency => {
  const installed = annotations?.[VERSION_ANNOTATION]
  if (installed === undefined) return "unversioned"
  const [theirs, ours] = [numbers(installed), numbers(version)]
  for (let index = 0; index < 3; index++) {
    const difference = (theirs[index] ?? 0) - (ours[index] ?? 0)
    if (difference !== 0) return difference > 0 ? "newer" : "older"
  }
  return "current"
}

const isEstablished = ({ status }: typeof Installed.Type): boolean =>
  status?.conditions?.some(({ type, status: holds }) => type === "Established" && holds === "True") === true

const installOne = Effect.fn("installCrd")(function* (document: CrdDocument, version: string) {
  const { name } = document.metadata
  const ref = { ...CRDS, name }
  const found = Option.getOrUndefined(yield* find(Installed, ref))
  const known = found === undefined ? "unversioned" : currency(found.metadata.annotations, version)
  if (known === "newer") {
    yield* Effect.logWarning(
      `The CRD ${name} is of nimbusguard ${found?.metadata.annotations?.[VERSION_ANNOTATION]}, newer than this ${version}, and stays as it is`
    )
    return
  }
  const annotations = { ...document.metadata.annotations, [VERSION_ANNOTATION]: version }
  const body = { ...document, metadata: { ...document.metadata, annotations } }
  yield* retryIdempotent(apply(Schema.Unknown, ref, body))
  yield* find(Installed, ref).pipe(
    Effect.repeat({
      until: (now) => Option.exists(now, isEstablished),
      schedule: Schedule.spaced("100 millis")
    }),
    Effect.timeoutOrElse({
      duration: ESTABLISHED_WITHIN,
      orElse: () =>
        Effect.fail(
          new KubernetesError({
            request: `GET ${name}`,
            reason: { _tag: "Invalid" },
            detail: `the CRD was not established within ${ESTABLISHED_WITHIN}; kubectl describe crd ${name} says why`
          })
        )
    })
  )
  if (found === undefined) yield* Effect.logInfo(`Installed the CRD ${name}`)
})

/** All at once. A second time changes nothing. */
export const installCrds = Effect.fn("installCrds")(function* (documents: ReadonlyArray<CrdDocument>, version: string) {
  yield* Effect.forEach(documents, (document) => installOne(document, version), {
    concurrency: "unbounded",
    discard: true
  })
})
