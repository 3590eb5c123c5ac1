/** Events have two versions with other names for the same: stored as core/v1, shown as events.k8s.io/v1 too. */
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, objectAt, textAt, wordOf } from "#cluster/api/json"
import type { Guise } from "#cluster/api/Resource"

/** core/v1 on the left. */
const RENAMED = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"]
] as const

const rename = (object: JsonObject, pairs: ReadonlyArray<readonly [from: string, to: string]>): JsonObject => {
  const names = new Map(pairs)
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value]))
}

export const EVENTS: Guise = {
  of: "events",
  toStored: (shown) => ({
    ...rename(
      shown,
      RENAMED.map(([stored, name]) => [name, stored])
    ),
    apiVersion: "v1"
  }),
  toShown: (stored) => ({ ...rename(stored, RENAMED), apiVersion: "events.k8s.io/v1" })
}

/** When it was last seen: by its series, by the older count, or when it was made. */
export const lastSeen = (event: JsonObject): string => {
  const series = objectAt(event, "series")
  const candidates: ReadonlyArray<Json | undefined> = [
    series["lastObservedTime"],
    event["lastTimestamp"],
    event["eventTime"],
    objectAt(event, "metadata")["creationTimestamp"]
  ]
  return wordOf(candidates.find((each) => typeof each === "string" && each !== ""))
}

export const regarding = (event: JsonObject): string => {
  const about = event["involvedObject"]
  return isObject(about) ? `${textAt(about, "kind").toLowerCase()}/${textAt(about, "name")}` : ""
}
