/** Asks the API of this origin. What it refuses comes back as the sentence that the API says. */

export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const sentenceIn = (text: string, status: number): string => {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === "object" && body !== null && "error" in body) return String(body.error)
  } catch {
    // Not ours: a proxy in between, for example.
  }
  return `The operator answers with HTTP ${status}.`
}

/** The caller names the answer's type, which is the API's own. */
export const ask = async <A>(path: string, init: RequestInit = {}): Promise<A> => {
  const response = await fetch(`/api/v1${path}`, { ...init, credentials: "same-origin" })
  const text = await response.text()
  if (!response.ok) throw new Refused(response.status, sentenceIn(text, response.status))
  return JSON.parse(text) as A
}

export const post = <A>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<A> =>
  ask<A>(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

export interface PolicyName {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export const policyPath = ({ kind, name, namespace }: PolicyName): string =>
  `/policies/${encodeURIComponent(kind)}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`

export const words = (error: unknown): string =>
  error instanceof Refused ? error.message : "The operator cannot be reached."
