/**
 * The port to a Kubernetes API: one request, one watch, and typed failures. Everything else is a function over
 * these two (kubernetesCalls.ts), so that a real API server, an embedded one and a faulty one stand behind the
 * same small surface.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

export const KubernetesReason = Schema.Union([
  /** 409 with reason Conflict: the object changed under us. */
  Schema.TaggedStruct("Conflict", {}),
  Schema.TaggedStruct("AlreadyExists", {}),
  /** 410: the resourceVersion is too old; list again. */
  Schema.TaggedStruct("Gone", {}),
  Schema.TaggedStruct("NotFound", {}),
  Schema.TaggedStruct("Forbidden", {}),
  Schema.TaggedStruct("Unauthorized", {}),
  /** 400, 415, 422: the request itself is wrong; trying again cannot help. */
  Schema.TaggedStruct("Invalid", {}),
  /** 429, or 5xx with Retry-After. */
  Schema.TaggedStruct("Throttled", { retryAfterMillis: Schema.Int }),
  Schema.TaggedStruct("ServerError", { status: Schema.Int }),
  /** The request never reached the server. */
  Schema.TaggedStruct("Unreachable", {}),
  /** Sent, no answer: it may or may not have happened. */
  Schema.TaggedStruct("Unknown", {}),
  /** The answer is not what the API promises. */
  Schema.TaggedStruct("Malformed", {})
])
export type KubernetesReason = typeof KubernetesReason.Type

export class KubernetesError extends Schema.TaggedError<KubernetesError>()("KubernetesError", {
  reason: KubernetesReason,
  /** "PATCH /apis/apps/v1/namespaces/default/deployments/web/scale" */
  request: Schema.String,
  /** The server's own message where there is one; never a credential. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.request}: ${this.reason._tag}: ${this.detail}`
  }
}

export interface KubernetesRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** Absolute API path, already encoded, without the query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Default application/json; patches name theirs. */
  readonly contentType?:
    | "application/json"
    | "application/merge-patch+json"
    | "application/json-patch+json"
    | "application/apply-patch+yaml"
  /** Default 10 s. */
  readonly timeoutMillis?: number
}

export interface RawWatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"
  readonly object: unknown
}

export class Kubernetes extends Context.Service<
  Kubernetes,
  {
    readonly request: (request: KubernetesRequest) => Effect.Effect<unknown, KubernetesError>
    /** One watch connection. Ends when the server closes it; an ERROR event is a failure (410: Gone). */
    readonly watch: (
      path: string,
      query: Readonly<Record<string, string>>
    ) => Stream.Stream<RawWatchEvent, KubernetesError>
  }
>()("nimbusguard/services/Kubernetes") {}
