/** Lists: selected, in pages that do not change under the reader, in the version that a watch can begin from. */
import type { Address, ApiRequest } from "#cluster/api/requests"
import type { JsonObject } from "#cluster/api/json"
import { namespaceOf } from "#cluster/api/json"
import type { Kinds } from "#cluster/api/Kinds"
import { badRequest, expired, methodNotAllowed, Refusal, unprocessable } from "#cluster/api/Refusal"
import { groupVersionOf, keyOf, type Resource } from "#cluster/api/Resource"
import { fieldsMatch, labelsMatch, type Predicate } from "#cluster/api/selectors"
import type { Store } from "#cluster/api/Store"
import { tabled } from "#cluster/api/tables"

interface Page {
  readonly version: number
  readonly items: ReadonlyArray<JsonObject>
}

/** What was promised to readers of lists; the oldest promise is broken first. */
export interface Pages {
  next: number
  readonly held: Map<string, Page>
}

const PAGES_MAX = 64

/** What lists and watches read from. */
export interface Held {
  readonly store: Store
  readonly kinds: Kinds
  readonly now: () => number
}

export const selection = (query: Readonly<Record<string, string>>, resource: Resource): Predicate => {
  const labels = labelsMatch(query["labelSelector"] ?? "")
  const fields = fieldsMatch(query["fieldSelector"] ?? "", resource)
  return (object) => labels(object) && fields(object)
}

const tooLarge = (asked: number, current: number): Refusal =>
  new Refusal(504, "Timeout", `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1
  })

export const forbiddenMatch = (why: string): Refusal =>
  unprocessable(`resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden ${why}`)

const checkVersion = (query: Readonly<Record<string, string>>, current: number): void => {
  const { resourceVersion = "", resourceVersionMatch = "" } = query
  if (resourceVersionMatch !== "" && resourceVersion === "") throw forbiddenMatch("unless resourceVersion is provided")
  if (resourceVersionMatch === "Exact" && resourceVersion === "0") throw forbiddenMatch('as "exact" for version "0"')
  if (resourceVersion === "") return
  if (!/^\d+$/u.test(resourceVersion)) throw badRequest(`resourceVersion: Invalid value: "${resourceVersion}"`)
  if (Number(resourceVersion) > current) throw tooLarge(Number(resourceVersion), current)
  if (resourceVersionMatch === "Exact" && Number(resourceVersion) !== current) {
    throw expired(`The resourceVersion for the provided list is too old: the embedded cluster keeps the latest only.`)
  }
}

export const chosen = (
  { kinds, store }: Held,
  { name, namespace, resource }: Address,
  query: Readonly<Record<string, string>>
): ReadonlyArray<JsonObject> => {
  const { computed, guise } = resource
  const stored = store.list(keyOf(kinds.stored(resource)), namespace)
  const all = computed?.().filter((one) => namespace === "" || namespaceOf(one) === namespace) ?? stored
  const shown = guise === undefined ? all : all.map(guise.toShown)
  const matches = selection(name === "" ? query : { ...query, fieldSelector: `metadata.name=${name}` }, resource)
  return shown.filter(matches)
}

export const listed = (held: Held, pages: Pages, address: Address, request: ApiRequest): JsonObject => {
  const { resource } = address
  const { version: current } = held.store
  const query = request.query ?? {}
  if (resource.answered !== undefined) throw methodNotAllowed()
  const token = query["continue"] ?? ""
  if (token === "") checkVersion(query, current)
  const kept = token === "" ? undefined : pages.held.get(token)
  if (token !== "" && kept === undefined) {
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter."
    )
  }
  const { items, version }: Page = kept ?? { items: chosen(held, address, query), version: current }
  const limit = query["resourceVersion"] === "0" ? 0 : Number(query["limit"] ?? 0)
  const page = limit > 0 ? items.slice(0, limit) : items
  const rest = items.slice(page.length)
  const selective = (query["labelSelector"] ?? "") !== "" || (query["fieldSelector"] ?? "") !== ""
  const list = {
    kind: `${resource.kind}List`,
    apiVersion: groupVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      ...(rest.length === 0 ? {} : { continue: promise(pages, { version, items: rest }) }),
      ...(rest.length === 0 || selective ? {} : { remainingItemCount: rest.length })
    },
    items: page
  }
  return tabled(resource, request, list, held.now())
}

const promise = (pages: Pages, page: Page): string => {
  const token = `page-${pages.next++}`
  pages.held.set(token, page)
  for (const [oldest] of pages.held) {
    if (pages.held.size <= PAGES_MAX) break
    pages.held.delete(oldest)
  }
  return token
}
