/** What a writer says that it knows of an object: its uid and its version must still be these. */
import { invalid } from "#manifests/causes"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, textAt, wordOf } from "#cluster/api/json"
import { conflict, invalidObject } from "#cluster/api/Refusal"
import type { Resource } from "#cluster/api/Resource"

const LABELS = { uid: "UID", resourceVersion: "ResourceVersion" } as const

/** `modified`: a version that is not this any more is said in the words of a lost update. */
export const checkPreconditions = (
  resource: Resource,
  name: string,
  live: JsonObject | undefined,
  known: JsonObject,
  modified?: "modified"
): void => {
  for (const field of ["uid", "resourceVersion"] as const) {
    const wanted = textAt(known, field)
    const has = live === undefined ? "" : textAt(metadataOf(live), field)
    if (wanted === "" || wanted === has) continue
    if (field === "resourceVersion" && modified !== undefined) throw conflict(resource, name)
    const label = LABELS[field]
    const why = `Precondition failed: ${label} in precondition: ${wanted}, ${label} in object meta: ${has}`
    throw conflict(resource, name, why)
  }
}

/** A patch cannot turn an object into another one. */
export const checkSameUid = (resource: Resource, live: JsonObject, next: JsonObject): void => {
  const wanted = metadataOf(next)["uid"]
  if (wanted === undefined || wanted === metadataOf(live)["uid"]) return
  throw invalidObject(resource, nameOf(live), [invalid("metadata.uid", wordOf(wanted), "field is immutable")])
}
