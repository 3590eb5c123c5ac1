/**
 * Typed calls over the Kubernetes port: paths, content types and field managers in one place. Reads are retried
 * (kubernetesRetry.ts), writes never: whoever writes knows whether a second time would harm.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { List } from "#schemas/kubernetes/List"
import { Kubernetes, KubernetesError, type KubernetesRequest } from "#services/Kubernetes"
import { retryRead } from "#services/kubernetesRetry"
import { requestName } from "#services/kubernetesStatus"

/** Under this name the API server keeps the fields that are ours; one name for all writes, so that GitOps tools can be told it. */
export const FIELD_MANAGER = "nimbusguard"

export interface Collection {
  readonly apiVersion: string
  readonly plural: string
  /** Absent: cluster-scoped, or all namespaces for a list. */
  readonly namespace?: string | undefined
}

export interface Ref extends Collection {
  readonly name: string
}

export type Subresource = "status" | "scale"

export const DEPLOYMENTS: Collection = { apiVersion: "apps/v1", plural: "deployments" }
export const CONFIG_MAPS: Collection = { apiVersion: "v1", plural: "configmaps" }
export const SECRETS: Collection = { apiVersion: "v1", plural: "secrets" }
export const LEASES: Collection = { apiVersion: "coordination.k8s.io/v1", plural: "leases" }

export const collectionPath = (collection: Collection): string => {
  const root = collection.apiVersion.includes("/") ? "/apis" : "/api"
  const within = collection.namespace === undefined ? "" : `/namespaces/${encodeURIComponent(collection.namespace)}`
  return `${root}/${collection.apiVersion}${within}/${collection.plural}`
}

export const refPath = (ref: Ref, subresource?: Subresource): string =>
  `${collectionPath(ref)}/${encodeURIComponent(ref.name)}${subresource === undefined ? "" : `/${subresource}`}`

/** A value that is not what the API promises is Malformed, whoever made it so. */
export const decode =
  <S extends Schema.ConstraintDecoder<unknown>>(schema: S) =>
  (request: Pick<KubernetesRequest, "method" | "path">, value: unknown): Effect.Effect<S["Type"], KubernetesError> =>
    Effect.mapError(
      Schema.decodeUnknownEffect(schema)(value),
      (error) =>
        new KubernetesError({
          request: requestName(request.method, request.path),
          reason: { _tag: "Malformed" },
          detail: error.message.replaceAll(/\s*\n\s*/gu, " ")
        })
    )

const send = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, request: KubernetesRequest) =>
  Effect.gen(function* () {
    const { request: call } = yield* Kubernetes
    return yield* decode(schema)(request, yield* call(request))
  })

export const get = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, ref: Ref, subresource?: Subresource) =>
  retryRead(send(schema, { method: "GET", path: refPath(ref, subresource) }))

/** Absence as a value. */
export const find = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, ref: Ref, subresource?: Subresource) =>
  get(schema, ref, subresource).pipe(
    Effect.map(Option.some),
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed(Option.none<S["Type"]>())
    )
  )

export interface ListOptions {
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Objects per request. */
  readonly limit?: number
}

export const LIST_LIMIT = 500
const LIST_ATTEMPTS = 3

/** One page as it stands on the wire. */
export const listPage = (collection: Collection, query: Readonly<Record<string, string>>) =>
  retryRead(send(List, { method: "GET", path: collectionPath(collection), query }))

/** All pages of one version of the collection. A list whose version went away halfway starts over. */
export const list = Effect.fn("kubernetesCalls.list")(function* <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  collection: Collection,
  options: ListOptions = {}
) {
  const { limit = LIST_LIMIT, ...selectors } = options
  const whole = Effect.gen(function* () {
    const items: Array<unknown> = []
    let token: string | undefined
    do {
      const query = { limit: String(limit), ...selectors, ...(token === undefined ? {} : { continue: token }) }
      const page = yield* listPage(collection, query)
      items.push(...(page.items ?? []))
      token = page.metadata.continue
      if (token === undefined || token === "") return { items, resourceVersion: page.metadata.resourceVersion }
    } while (true)
  })
  const raw = yield* whole.pipe(
    Effect.retry({ times: LIST_ATTEMPTS - 1, while: (error) => error.reason._tag === "Gone" })
  )
  const request = { method: "GET" as const, path: collectionPath(collection) }
  const items = yield* decode(Schema.Array(schema))(request, raw.items)
  return { items, resourceVersion: raw.resourceVersion }
})

export interface WriteBounds {
  /** The server gives the write up when it has not committed so long after its arrival. */
  readonly commitMillis: number
  /** How long to wait for the answer. */
  readonly timeoutMillis: number
}

const withinServer = (bounds: WriteBounds | undefined) =>
  bounds === undefined ? {} : { timeout: `${bounds.commitMillis}ms` }
const withinClient = (bounds: WriteBounds | undefined) =>
  bounds === undefined ? {} : { timeoutMillis: bounds.timeoutMillis }

export const create = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  collection: Collection,
  body: object,
  bounds?: WriteBounds
) =>
  send(schema, {
    method: "POST",
    path: collectionPath(collection),
    query: { fieldManager: FIELD_MANAGER, ...withinServer(bounds) },
    body,
    ...withinClient(bounds)
  })

/** The body's metadata.resourceVersion is the precondition: somebody else's change in between is a Conflict. */
export const replace = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  ref: Ref,
  body: object,
  bounds?: WriteBounds
) =>
  send(schema, {
    method: "PUT",
    path: refPath(ref),
    query: { fieldManager: FIELD_MANAGER, ...withinServer(bounds) },
    body,
    ...withinClient(bounds)
  })

export const mergePatch = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  ref: Ref,
  patch: object,
  subresource?: Subresource,
  bounds?: WriteBounds
) =>
  send(schema, {
    method: "PATCH",
    path: refPath(ref, subresource),
    query: { fieldManager: FIELD_MANAGER, ...withinServer(bounds) },
    contentType: "application/merge-patch+json",
    body: patch,
    ...withinClient(bounds)
  })

/** Server-side apply of what we want to own: fields that we owned and no longer name go away. Idempotent. */
export const apply = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  ref: Ref,
  body: { readonly kind: string; readonly [field: string]: unknown },
  subresource?: Subresource
) =>
  send(schema, {
    method: "PATCH",
    path: refPath(ref, subresource),
    query: { fieldManager: FIELD_MANAGER, force: "true" },
    contentType: "application/apply-patch+yaml",
    body: { ...body, apiVersion: ref.apiVersion }
  })

/**
 * The whole status by server-side apply and not by merge patch: what is no longer said disappears without reading
 * first, what others wrote into the status stays, and a second time changes nothing. A uid in it would be no
 * precondition (a real server ignores it), so a last report may land on an object that was just made anew under the
 * same name; that one's own actor replaces it whole with its first tick.
 */
export const applyStatus = (ref: Ref, kind: string, status: object) =>
  Effect.asVoid(
    apply(
      Schema.Unknown,
      ref,
      {
        kind,
        metadata: { name: ref.name, ...(ref.namespace === undefined ? {} : { namespace: ref.namespace }) },
        status
      },
      "status"
    )
  )

/** Gone already is as good as removed. */
export const remove = (ref: Ref, uid?: string) =>
  send(Schema.Unknown, {
    method: "DELETE",
    path: refPath(ref),
    ...(uid === undefined ? {} : { body: { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid } } })
  }).pipe(
    Effect.asVoid,
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.void
    )
  )
