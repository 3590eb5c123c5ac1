/**
 * The hole that sources and engines fill: a kind says where a plug's options stand and under which names, and knows
 * nothing else about them. src/manifests fills the hole in the CRD from the registries; here it is open.
 */
import * as Schema from "effect/Schema"
import type { Role } from "#schemas/Policy"

/** Annotation under which the JSON Schema of a hole says what fills it. */
export const HOLE = "x-nimbusguard-plugs"

export interface Hole {
  readonly registry: "sources" | "engines"
  /** The name on the wire of each plug that may stand here, where not all of them may, or not by their own names. */
  readonly names?: Readonly<Record<string, string>>
  /** The object itself holds the options of this plug beside its own fields, instead of one property for each plug. */
  readonly optionsOf?: string
}

const Open = Schema.Record(Schema.String, Schema.Unknown)

/** An object that carries, besides its own fields, a plug's options: under the plug's name, or with optionsOf as they are. */
export const withPlug = <const Fields extends Schema.Struct.Fields>(
  fields: Fields,
  hole: Hole,
  annotations: { readonly description: string; readonly [key: string]: unknown }
) => Schema.StructWithRest(Schema.Struct(fields), [Open]).annotate({ ...annotations, [HOLE]: hole })

/** An object that is the options of one plug. */
export const optionsOf = (hole: Hole & { readonly optionsOf: string }, description: string) =>
  Open.annotate({ description, [HOLE]: hole })

export interface Plugged {
  readonly plug: string
  readonly options: unknown
}

/** The options that stand beside an object's own fields. */
export const optionsBeside = (item: object, fields: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !Object.hasOwn(fields, name)))

/** What stands in the hole of a decoded item: everything that is not one of its own fields. */
export const plugsOf = (item: object, fields: object): ReadonlyArray<Plugged> =>
  Object.entries(optionsBeside(item, fields)).map(([plug, options]) => ({ plug, options }))

/** Backlogs outside the pods, true with nobody running; a test holds this against the registry of sources. */
const WORKING_AT_ZERO: ReadonlySet<string> = new Set(["nats", "redis", "pubsub", "kafka"])

const field = (options: unknown, name: string): unknown =>
  typeof options === "object" && options !== null && Object.hasOwn(options, name)
    ? (options as Readonly<Record<string, unknown>>)[name]
    : undefined

export const worksAtZero = (source: string, options: unknown): boolean =>
  WORKING_AT_ZERO.has(source) || field(options, "worksAtZero") === true

/** What the number of a source means where nobody says. */
const USUAL_ROLES: Readonly<Record<string, Role>> = {
  resource: "utilization",
  nats: "backlog",
  redis: "backlog",
  pubsub: "backlog",
  kafka: "backlog"
}

export const usualRole = (source: string, options: unknown): Role | undefined =>
  source === "pubsub" && field(options, "mode") === "OldestUnackedMessageAge" ? "age" : USUAL_ROLES[source]

/** The same question as a CEL expression about an item with a hole. */
export const worksAtZeroRule = (item: string, names: ReadonlyArray<string>): string =>
  names
    .map((name) =>
      WORKING_AT_ZERO.has(name)
        ? `has(${item}.${name})`
        : `(has(${item}.${name}) && has(${item}.${name}.worksAtZero) && ${item}.${name}.worksAtZero)`
    )
    .join(" || ")

const CREDENTIAL = /auth|cookie|token|secret|passw|api-?key|credential/iu

/** Paths, below a source's options, of credentials that stand there in plain text, and the field to use instead. */
export const inlineSecrets = (options: unknown): ReadonlyArray<{ readonly path: string; readonly instead: string }> => {
  const headers = field(options, "headers")
  const named = typeof headers === "object" && headers !== null ? Object.keys(headers) : []
  return [
    ...(typeof field(options, "password") === "string" ? [{ path: "password", instead: "passwordSecret" }] : []),
    ...named
      .filter((name) => CREDENTIAL.test(name))
      .map((name) => ({ path: `headers.${name}`, instead: `headerSecrets.${name}` }))
  ]
}
