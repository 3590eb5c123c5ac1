// A stand-in for the parts of Google Cloud that the pubsub source asks: the OAuth token endpoint, the metadata server and
// projects.timeSeries.list of Cloud Monitoring, by their published shapes and as strict as they are. It is not Google:
// what only the real one can show (quotas, delays, IAM) is not shown by it.
import { generateKeyPairSync, type KeyObject, randomUUID, verify } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export const UNDELIVERED = "pubsub.googleapis.com/subscription/num_undelivered_messages"
export const OLDEST_AGE = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"

const SCOPES = ["https://www.googleapis.com/auth/monitoring.read", "https://www.googleapis.com/auth/monitoring"]
const TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
const METRICS = [UNDELIVERED, OLDEST_AGE]
const PARAMETERS = new Set(["filter", "interval.startTime", "interval.endTime", "view", "pageSize", "pageToken"])

export interface Point {
  readonly agoMillis: number
  /** As JSON has it: `{ int64Value: "42" }`; a number is short for that. */
  readonly value: number | object
}

export interface Subscription {
  readonly project: string
  readonly subscription: string
  readonly metric?: string
  readonly points: ReadonlyArray<Point>
  /** Labels of the metric: a second set makes a second series. */
  readonly labels?: Readonly<Record<string, string>>
}

export interface ServiceAccount {
  readonly email: string
  readonly publicKey: KeyObject
  readonly tokenUri: string
  readonly projects: ReadonlySet<string>
}

interface Token {
  readonly email: string
  readonly expiresAt: number
}

interface Series {
  readonly metric: { readonly type: string; readonly labels: Readonly<Record<string, string>> }
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> }
  readonly metricKind: string
  readonly valueType: string
  readonly points: ReadonlyArray<object>
}

interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const now = () => Math.round(performance.timeOrigin + performance.now())

const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE"
}

/** google.rpc.Status as every API of Google writes it. */
export const apiError = (code: number, message: string): Reply => ({
  status: code,
  body: { error: { code, message, status: STATUSES[code] ?? "UNKNOWN" } }
})

const tokenError = (status: number, error: string, error_description: string): Reply => ({
  status,
  body: { error, error_description }
})

const decoded = (part: string | undefined): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Readonly<Record<string, unknown>>

/** `a.b = "c" AND d.e = "f"`: as much of the filter language as is asked here. Undefined: it does not parse. */
const parseFilter = (filter: string): ReadonlyMap<string, string> | undefined => {
  const terms = new Map<string, string>()
  const term = /\s*([a-z][\w.]*)\s*=\s*("(?:[^"\\]|\\.)*")\s*(AND|$)/gy
  for (let end = 0; end < filter.length; end = term.lastIndex) {
    term.lastIndex = end
    const [, name = "", text = ""] = term.exec(filter) ?? []
    if (name === "" || terms.has(name)) return undefined
    terms.set(name, JSON.parse(text) as string)
  }
  return terms
}

export class GoogleCloud {
  readonly url: string
  readonly port: number
  /** Method, path and query of each request, without credentials. */
  readonly seen: Array<string> = []
  /** How long a token is said to last. */
  tokenSeconds = 3599
  /** Answers every request of this path prefix instead, until it is undefined again. */
  instead: { readonly path: string; readonly reply: Reply } | undefined
  /** Errors that come with an answer of 200, as a query that was only partly executed has them. */
  executionErrors: ReadonlyArray<object> = []
  readonly #server: Server
  readonly #accounts = new Map<string, ServiceAccount>()
  readonly #tokens = new Map<string, Token>()
  #subscriptions: ReadonlyArray<Subscription> = []
  #workloadIdentity: string | undefined

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.url = `http://127.0.0.1:${this.port}`
    server.on("request", (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#send(response, apiError(500, String(error)))
      })
    })
  }

  static async start(): Promise<GoogleCloud> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    return new GoogleCloud(server)
  }

  /** A new key of a service account that may read these projects: the JSON file that Google gives for download. */
  createKey(email: string, projects: ReadonlyArray<string>, tokenUri = `${this.url}/token`): string {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    const keyId = randomUUID().replaceAll("-", "")
    this.#accounts.set(keyId, { email, publicKey, tokenUri, projects: new Set(projects) })
    const [project = "none"] = projects
    return JSON.stringify(
      {
        type: "service_account",
        project_id: project,
        private_key_id: keyId,
        private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
        client_email: email,
        client_id: "100000000000000000000",
        token_uri: tokenUri,
        universe_domain: "googleapis.com"
      },
      undefined,
      2
    )
  }

  /** The operator's pod runs as this account, which may read these projects. */
  bindWorkloadIdentity(email: string, projects: ReadonlyArray<string>): void {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
    this.#accounts.set(email, { email, publicKey, tokenUri: `${this.url}/token`, projects: new Set(projects) })
    this.#workloadIdentity = email
  }

  /** Every key of the account is deleted, and its tokens are taken from it. */
  deleteKeys(email: string): void {
    for (const [keyId, account] of this.#accounts) if (account.email === email) this.#accounts.delete(keyId)
    this.revokeTokens()
  }

  revokeTokens(): void {
    this.#tokens.clear()
  }

  setSubscriptions(...subscriptions: ReadonlyArray<Subscription>): void {
    this.#subscriptions = subscriptions
  }

  /** How often this path was asked. */
  asked(path: string): number {
    return this.seen.filter((line) => line.includes(path)).length
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  #send(response: ServerResponse, { body, headers, status }: Reply): void {
    const text = typeof body === "string" ? body : JSON.stringify(body)
    response.writeHead(status, { "content-type": "application/json; charset=UTF-8", ...headers }).end(text)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url)
    this.seen.push(`${request.method} ${url.pathname}${url.search}`)
    const chunks: Array<Buffer> = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    this.#send(response, this.#reply(request, url, body))
  }

  #reply(request: IncomingMessage, url: URL, body: string): Reply {
    if (this.instead !== undefined && url.pathname.startsWith(this.instead.path)) return this.instead.reply
    if (url.pathname === "/token" && request.method === "POST") return this.#exchange(request, body)
    if (url.pathname === TOKEN_PATH && request.method === "GET") return this.#metadata(request, url)
    const project = /^\/v3\/projects\/([^/]+)\/timeSeries$/u.exec(url.pathname)?.[1]
    return project === undefined || request.method !== "GET"
      ? { status: 404, body: "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>" }
      : this.#list(decodeURIComponent(project), request.headers.authorization, url.searchParams)
  }

  #grant(email: string): Reply {
    const access_token = `ya29.${randomUUID()}`
    this.#tokens.set(access_token, { email, expiresAt: now() + this.tokenSeconds * 1000 })
    return { status: 200, body: { access_token, expires_in: this.tokenSeconds, token_type: "Bearer" } }
  }

  #exchange(request: IncomingMessage, body: string): Reply {
    if (request.headers["content-type"] !== "application/x-www-form-urlencoded") {
      return tokenError(400, "invalid_request", "Bad content type")
    }
    const form = new URLSearchParams(body)
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") {
      return tokenError(400, "unsupported_grant_type", "Invalid grant_type")
    }
    const assertion = form.get("assertion") ?? ""
    const [head, claims, signature] = assertion.split(".")
    const { alg, kid } = decoded(head)
    const { aud, exp, iat, iss, scope } = decoded(claims)
    const account = this.#accounts.get(String(kid))
    if (account === undefined || account.email !== iss) {
      return tokenError(400, "invalid_grant", "Invalid grant: account not found")
    }
    const isSigned =
      alg === "RS256" &&
      verify(
        "RSA-SHA256",
        Buffer.from(`${head}.${claims}`),
        account.publicKey,
        Buffer.from(signature ?? "", "base64url")
      )
    if (!isSigned) return tokenError(400, "invalid_grant", "Invalid JWT Signature.")
    if (aud !== account.tokenUri) {
      return tokenError(400, "invalid_grant", "Failed audience check. The right audience is the token endpoint.")
    }
    const seconds = now() / 1000
    const isShort = Number(exp) - Number(iat) <= 3600 && Number(iat) <= seconds + 60 && Number(exp) > seconds
    if (!isShort) {
      return tokenError(
        400,
        "invalid_grant",
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
      )
    }
    return SCOPES.includes(String(scope))
      ? this.#grant(account.email)
      : tokenError(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
  }

  #metadata(request: IncomingMessage, url: URL): Reply {
    const isOurs = request.headers["metadata-flavor"] === "Google" && request.headers["x-forwarded-for"] === undefined
    if (!isOurs) return { status: 403, body: "Missing required header: Metadata-Flavor" }
    if (this.#workloadIdentity === undefined) return { status: 404, body: "Not Found" }
    const scopes = (url.searchParams.get("scopes") ?? "").split(",")
    if (!scopes.some((scope) => SCOPES.includes(scope))) return { status: 400, body: "Bad Request" }
    return { ...this.#grant(this.#workloadIdentity), headers: { "metadata-flavor": "Google" } }
  }

  #list(project: string, authorization: string | undefined, query: URLSearchParams): Reply {
    const token = this.#tokens.get(/^Bearer (.+)$/u.exec(authorization ?? "")?.[1] ?? "")
    const account = [...this.#accounts.values()].find(({ email }) => email === token?.email)
    if (token === undefined || account === undefined || token.expiresAt < now()) {
      return apiError(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")
    }
    if (!account.projects.has(project)) {
      return apiError(403, "Permission monitoring.timeSeries.list denied (or the resource may not exist).")
    }
    const unknown = [...query.keys()].find((name) => !PARAMETERS.has(name))
    if (unknown !== undefined) return apiError(400, `Invalid JSON payload received. Unknown name "${unknown}".`)
    const filter = parseFilter(query.get("filter") ?? "")
    const metric = filter?.get("metric.type")
    if (filter === undefined || metric === undefined) {
      return apiError(400, "Field filter had an invalid value: must name exactly one metric.type.")
    }
    if (!METRICS.includes(metric)) return apiError(404, `Cannot find metric(s) that match type = "${metric}".`)
    const [start, end] = ["startTime", "endTime"].map((name) => Date.parse(query.get(`interval.${name}`) ?? ""))
    if (start === undefined || end === undefined || !(start <= end)) {
      return apiError(400, "Field interval had an invalid value: the end must not be before the start.")
    }
    const series = this.#subscriptions
      .filter((one) => (one.metric ?? UNDELIVERED) === metric)
      .map((one) => this.#series(one, metric, start, end))
      .filter(({ metric: { labels: metricLabels }, points, resource }) => {
        const known = { "metric.type": metric, "resource.type": resource.type } as const
        const labelled = {
          ...Object.fromEntries(
            Object.entries(resource.labels).map(([name, text]) => [`resource.labels.${name}`, text])
          ),
          ...Object.fromEntries(Object.entries(metricLabels).map(([name, text]) => [`metric.labels.${name}`, text]))
        }
        const facts: Readonly<Record<string, string>> = { ...known, ...labelled }
        return points.length > 0 && [...filter].every(([name, text]) => facts[name] === text)
      })
    return this.#page(series, query)
  }

  #series(
    { labels = {}, points, project, subscription }: Subscription,
    type: string,
    start: number,
    end: number
  ): Series {
    const placed = points.map(({ agoMillis, value }) => ({ at: now() - agoMillis, value }))
    return {
      metric: { type, labels },
      resource: { type: "pubsub_subscription", labels: { project_id: project, subscription_id: subscription } },
      metricKind: "GAUGE",
      valueType: "INT64",
      // The newest first, as published.
      points: placed
        .filter(({ at }) => at > start && at <= end)
        .toSorted((a, b) => b.at - a.at)
        .map(({ at, value }) => {
          const time = new Date(at).toISOString()
          return {
            interval: { startTime: time, endTime: time },
            value: typeof value === "number" ? { int64Value: String(value) } : value
          }
        })
    }
  }

  /** A page ends after so many points, in the middle of a series if need be. */
  #page(series: ReadonlyArray<Series>, query: URLSearchParams): Reply {
    const size = Number(query.get("pageSize") ?? "") || 100_000
    const from = Number(query.get("pageToken") ?? "0")
    const all = series.flatMap((one) => one.points.map((point) => ({ one, point })))
    const page = all.slice(from, from + size)
    const timeSeries = series.flatMap((one) => {
      const points = page.filter((each) => each.one === one).map(({ point }) => point)
      return points.length === 0 ? [] : [{ ...one, points }]
    })
    const more = from + size < all.length
    return {
      status: 200,
      body: {
        ...(timeSeries.length === 0 ? {} : { timeSeries, unit: "1" }),
        ...(more ? { nextPageToken: String(from + size) } : {}),
        ...(this.executionErrors.length === 0 ? {} : { executionErrors: this.executionErrors })
      }
    }
  }
}
