/** Secrets by `namespace/name/key`; whatever else is asked for is not there. */
import { Effect, Layer, Redacted } from "effect"
import { Secrets } from "#services/Secrets"
import { SourceError } from "#services/SourceError"

export const secretsOf = (known: Readonly<Record<string, string>>): Layer.Layer<Secrets> =>
  Layer.succeed(Secrets, {
    get: (namespace, { key, name }) => {
      const value = known[`${namespace}/${name}/${key}`]
      return value === undefined
        ? Effect.fail(new SourceError({ why: "NoSecret", detail: "There is none. Create it." }))
        : Effect.succeed(Redacted.make(value))
    }
  })
