/** What the API refuses, as the Status that kubectl prints: each reason with the server's own sentence. */
import type { Cause } from "#manifests/causes"
import { invalidMessage } from "#manifests/validation"
import type { Json, JsonObject } from "#cluster/api/json"
import type { Resource } from "#cluster/api/Resource"

type Named = Pick<Resource, "group" | "plural" | "kind">

export class Refusal extends Error {
  readonly code: number
  readonly reason: string
  readonly details: JsonObject

  constructor(code: number, reason: string, message: string, details: JsonObject = {}) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  get status(): JsonObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      ...(Object.keys(this.details).length === 0 ? {} : { details: this.details }),
      code: this.code
    }
  }
}

const qualified = ({ group, plural }: Named): string => (group === "" ? plural : `${plural}.${group}`)
const about = ({ group, plural }: Named, name: string): JsonObject => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind: plural
})

export const unknownPath = () => new Refusal(404, "NotFound", "the server could not find the requested resource")

export const notFound = (resource: Named, name: string) =>
  new Refusal(404, "NotFound", `${qualified(resource)} "${name}" not found`, about(resource, name))

export const alreadyExists = (resource: Named, name: string) =>
  new Refusal(409, "AlreadyExists", `${qualified(resource)} "${name}" already exists`, about(resource, name))

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
export const conflict = (resource: Named, name: string, why: string = MODIFIED) => {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`
  return new Refusal(409, "Conflict", message, about(resource, name))
}

export const badRequest = (message: string) => new Refusal(400, "BadRequest", message)

export const expired = (message: string) => new Refusal(410, "Expired", message)

export const methodNotAllowed = () =>
  new Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

export const notSupported = (what: string) =>
  new Refusal(501, "NotImplemented", `the embedded cluster has no ${what}: use a real cluster for it`)

export const unprocessable = (message: string) => new Refusal(422, "Invalid", message)

export const unsupportedMedia = (accepted: ReadonlyArray<string>, instead?: string) => {
  const types = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`
  const message = instead === undefined ? types : `the embedded cluster reads no protobuf: ${instead}`
  return new Refusal(415, "UnsupportedMediaType", message)
}

const causeOf = ({ field, message, reason }: Cause): Json => ({ reason, message, field })

export const invalidObject = (resource: Named, name: string, causes: ReadonlyArray<Cause>) =>
  new Refusal(422, "Invalid", invalidMessage(resource, name, causes), {
    ...about({ ...resource, plural: resource.kind }, name),
    causes: causes.map(causeOf)
  })

/** Fields that others apply and that this apply would change. */
export const applyConflict = (conflicts: ReadonlyArray<{ readonly manager: string; readonly field: string }>) => {
  const count = conflicts.length === 1 ? "1 conflict" : `${conflicts.length} conflicts`
  const managers = [...Map.groupBy(conflicts, ({ manager }) => manager)]
  const listed = managers.map(([manager, held]) =>
    held.length === 1 && managers.length === 1
      ? `conflict with ${manager}: ${held[0]?.field ?? ""}`
      : `conflicts with ${manager}:\n${held.map(({ field }) => `- ${field}`).join("\n")}`
  )
  return new Refusal(409, "Conflict", `Apply failed with ${count}: ${listed.join("\n")}`, {
    causes: conflicts.map(({ field, manager }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${manager}`,
      field
    }))
  })
}
