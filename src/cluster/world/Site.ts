/**
 * A server of the world as a function: what it answers to a request now. Who asks, over which wire, and what the time
 * is, is its caller's; so the same server stands behind the operator's ports and behind a socket for people.
 */
import type { Json } from "#cluster/api/json"

export interface PageRequest {
  readonly method: string
  readonly path: string
  /** Of the URL, or of a form in the body. */
  readonly parameters: URLSearchParams
}

export interface PageAnswer {
  readonly status: number
  readonly json: Json
}

export type Site = (request: PageRequest) => PageAnswer

export const FORM = "application/x-www-form-urlencoded"

/** A form in the body adds to the parameters of the URL, as with Prometheus. */
export const pageRequest = (
  method: string,
  url: string,
  body?: { readonly contentType: string; readonly text: string }
): PageRequest => {
  const { pathname, searchParams } = new URL(url)
  const parameters = new URLSearchParams(searchParams)
  if (body?.contentType.startsWith(FORM) === true) {
    for (const [name, value] of new URLSearchParams(body.text)) parameters.append(name, value)
  }
  return { method, path: pathname, parameters }
}
