/**
 * The port to credentials: one key of one Secret, by name. Only `get` is ever asked of the API (no list, no watch),
 * and each key is remembered for a minute, so that a rotated one is in use a minute later.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SecretKey } from "#schemas/Endpoint"
import { keptAnswers } from "#services/keptAnswers"
import { Kubernetes } from "#services/Kubernetes"
import type { KubernetesError } from "#services/Kubernetes"
import { SourceError } from "#services/SourceError"

const KEYS_MAX = 1024
const REMEMBERED = "60 seconds"
/** Short: whoever just created the Secret is waiting. */
const ABSENCE_REMEMBERED = "5 seconds"

const SecretObject = Schema.Struct({
  data: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
})

export class Secrets extends Context.Service<
  Secrets,
  {
    readonly get: (namespace: string, secret: SecretKey) => Effect.Effect<Redacted.Redacted<string>, SourceError>
  }
>()("nimbusguard/services/Secrets") {}

const fromKubernetes =
  (named: string) =>
  (error: KubernetesError): SourceError => {
    switch (error.reason._tag) {
      case "NotFound":
        return new SourceError({ why: "NoSecret", detail: `There is no ${named}. Create it, or correct the name.` })
      case "Forbidden":
      case "Unauthorized":
        return new SourceError({
          why: "Forbidden",
          detail: `The operator may not read the ${named}. Let its ServiceAccount "get" secrets in that namespace.`
        })
      case "Throttled":
        return new SourceError({
          why: "Throttled",
          detail: `The API server is too busy to give the ${named}. It is asked again at a later tick.`
        })
      case "Malformed":
      case "Invalid":
        return new SourceError({
          why: "Malformed",
          detail: `The API server's answer for the ${named} is no Secret. Check what stands between the operator and the API server.`
        })
      default:
        return new SourceError({
          why: "Unreachable",
          detail: `The ${named} could not be read: the API server did not answer (${error.reason._tag}). It is asked again at a later tick.`
        })
    }
  }

const make = Effect.gen(function* () {
  const kubernetes = yield* Kubernetes

  const read = Effect.fn("Secrets.read")(function* (namespace: string, { key, name }: SecretKey) {
    const named = `Secret ${namespace}/${name}`
    const answer = yield* kubernetes
      .request({
        method: "GET",
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`
      })
      .pipe(Effect.mapError(fromKubernetes(named)))
    const decoded = Schema.decodeUnknownResult(SecretObject)(answer)
    if (Result.isFailure(decoded)) {
      return yield* new SourceError({
        why: "Malformed",
        detail: `The API server's answer for the ${named} is no Secret. Check what stands between the operator and the API server.`
      })
    }
    const data = decoded.success.data ?? {}
    const encoded = Object.hasOwn(data, key) ? data[key] : undefined
    if (encoded === undefined) {
      const keys = Object.keys(data)
      const has = keys.length === 0 ? "it is empty" : `it has ${keys.slice(0, 10).join(", ")}`
      return yield* new SourceError({
        why: "NoSecret",
        detail: `The ${named} has no key ${key}: ${has}. Add the key, or correct its name.`
      })
    }
    const text = Base64.decodeString(encoded)
    if (Result.isFailure(text)) {
      return yield* new SourceError({
        why: "Malformed",
        detail: `The key ${key} of the ${named} is not base64 text. Write the Secret anew, with stringData.`
      })
    }
    // Files are written with a last line break, and so are the Secrets made of them.
    return Redacted.make(text.success.replace(/\r?\n$/u, ""), { label: `${namespace}/${name}/${key}` })
  })

  const kept = yield* keptAnswers({
    capacity: KEYS_MAX,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? REMEMBERED : ABSENCE_REMEMBERED),
    lookup: (path: string) => {
      const [namespace = "", name = "", key = ""] = path.split("/")
      return read(namespace, { name, key })
    }
  })

  return Secrets.of({ get: (namespace, { key, name }) => kept.get(`${namespace}/${name}/${key}`) })
})

export const layer: Layer.Layer<Secrets, never, Kubernetes> = Layer.effect(Secrets, make)
