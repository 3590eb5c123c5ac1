/** Events of the controllers: what happens again is counted on the Event that said it first. */
import type { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import { nameOf, namespaceOf, textAt } from "#cluster/api/json"
import { type Counter } from "#cluster/controllers/replicaSet"
import { type Emit, uidFor, uidOf } from "#cluster/controllers/Hands"
import { secondTime } from "#services/kubernetesTime"

export const makeEmit = (server: ApiServer, now: () => number, counter: Counter): Emit => {
  const told = new Map<string, string>()
  return (about, type, reason, message, component) => {
    const time = secondTime(now())
    const what = `${uidOf(about)} ${reason} ${message}`
    const namespace = namespaceOf(about) || "default"
    const known = server.store.find("events", namespace, told.get(what) ?? "")
    const writer = { manager: component, subresource: "" }
    if (known !== undefined) {
      const count = Number(known["count"] ?? 1) + 1
      server.store.put("events", { ...known, count, lastTimestamp: time }, writer)
      return
    }
    const made = counter.next()
    const name = `${nameOf(about)}.${made.toString(16).padStart(16, "0")}`
    // As many as can still be in the store, and a few that are not.
    if (told.size > TOLD_MAX) told.clear()
    told.set(what, name)
    server.store.put(
      "events",
      eventOf({ about, type, reason, message, component, time, name, namespace, made }),
      writer
    )
  }
}

const TOLD_MAX = 10_000

interface Told {
  readonly about: JsonObject
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly component: string
  readonly time: string
  readonly name: string
  readonly namespace: string
  readonly made: number
}

const eventOf = ({ about, component, made, message, name, namespace, reason, time, type }: Told): JsonObject => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name, namespace, uid: uidFor(made), creationTimestamp: time },
  involvedObject: {
    apiVersion: textAt(about, "apiVersion"),
    kind: textAt(about, "kind"),
    name: nameOf(about),
    namespace: namespaceOf(about),
    uid: uidOf(about)
  },
  ...{ type, reason, message, count: 1, firstTimestamp: time, lastTimestamp: time },
  source: { component },
  reportingComponent: component,
  reportingInstance: ""
})
