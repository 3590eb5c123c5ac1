/** Where the page is: in the address after the #, so that every view can be linked to and the server has one document. */
import { signal } from "@preact/signals"
import type { PolicyName } from "./ask.ts"

export type Route =
  | { readonly _tag: "Fleet" }
  | { readonly _tag: "Activity" }
  | { readonly _tag: "Policy"; readonly policy: PolicyName; readonly decision: string | undefined }

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const parse = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#\/?/u, "").split("?", 2)
  const [view, kind, namespace, name] = path.split("/").map(decoded)
  if (view === "activity") return { _tag: "Activity" }
  if (view === "policy" && kind !== undefined && namespace !== undefined && name !== undefined && name !== "") {
    const decision = new URLSearchParams(query).get("decision") ?? undefined
    return { _tag: "Policy", policy: { kind, namespace, name }, decision }
  }
  return { _tag: "Fleet" }
}

export const route = signal<Route>(parse(location.hash))

export const followAddress = (): void => {
  addEventListener("hashchange", () => {
    route.value = parse(location.hash)
  })
}

export const policyHref = ({ kind, name, namespace }: PolicyName, decision?: string): string =>
  `#/policy/${[kind, namespace, name].map(encodeURIComponent).join("/")}${decision === undefined ? "" : `?decision=${encodeURIComponent(decision)}`}`
