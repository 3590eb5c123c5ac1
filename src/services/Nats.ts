/**
 * The port to JetStream's monitoring. In a cluster each server tells the truth only about what it leads, so every
 * member is asked: those that the policy names, and those that can be found from the first one's routes.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { ANSWER_BYTES_MAX, Egress, statusError } from "#services/Egress"
import { jsonBody } from "#services/jsonBody"
import { Jsz, Routez, serverOf, Varz } from "#services/natsMonitoring"
import type { JetStreamServer } from "#services/natsMonitoring"
import { sharedAnswers } from "#services/sharedAnswers"
import { SourceError } from "#services/SourceError"
import type { TlsMaterial } from "#services/tlsMaterial"

export interface JetStreamQuestion {
  readonly monitoringUrl: string
  readonly peerUrls?: ReadonlyArray<string>
  readonly headers?: Readonly<Record<string, string>>
  readonly tls?: TlsMaterial
  /** Only this one, where the server knows it: a smaller answer. */
  readonly account?: string
}

export interface JetStreamView {
  readonly servers: ReadonlyArray<
    JetStreamServer & {
      /** Undefined outside a cluster, where there is nobody to mistake it for. */
      readonly name: string | undefined
    }
  >
  /** Members of the cluster that did not answer at any address we know. */
  readonly unreached: ReadonlyArray<string>
}

export class Nats extends Context.Service<
  Nats,
  { readonly jetStream: (question: JetStreamQuestion) => Effect.Effect<JetStreamView, SourceError> }
>()("nimbusguard/services/Nats") {}

/** Fewer than elsewhere: each answer is the listing of a whole cluster. */
const VIEWS_MAX = 256
const ACCOUNTS_PER_PAGE = 128
const PAGES_MAX = 64
const MEMBERS_MAX = 16
const CANDIDATES_MAX = 32
/** A member that is down must not cost the whole deadline of those that are up. */
const PEER_MILLIS = 2_000

/** Pages and members are held until the last one is there, so that all of them together have a size limit. */
const VIEW_CHARS_MAX = 2 * ANSWER_BYTES_MAX

interface Held {
  chars: number
}

const tooMany = (accounts: number) =>
  new SourceError({
    why: "TooLarge",
    detail: `NATS tells more of JetStream than can be looked at (${accounts} accounts or more). Name the one with the stream in account.`
  })

interface Server {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly tls?: TlsMaterial
  readonly timeoutMillis?: number
}

const pageUrl = ({ url }: Server, page: string, query: Readonly<Record<string, string>> = {}): string => {
  if (!URL.canParse(url)) return url
  const whole = new URL(url)
  whole.pathname = `${whole.pathname.replace(/\/+$/u, "")}/${page}`
  for (const [name, value] of Object.entries(query)) whole.searchParams.set(name, value)
  return whole.href
}

/** Whoever is found there was not named: user, password and query were not meant for them either. */
const withHost = (url: string, change: (host: string) => string): string => {
  const whole = new URL(url)
  whole.username = ""
  whole.password = ""
  whole.search = ""
  whole.hostname = change(whole.hostname)
  return whole.href
}

const isAddress = (host: string) => host.startsWith("[") || /^[\d.]+$/u.test(host)

/** Where members may be: by their routes' addresses, and as pods behind a headless Service. Always the same port. */
const candidates = (url: string, names: ReadonlyArray<string>, ips: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!URL.canParse(url)) return []
  const pods = isAddress(new URL(url).hostname)
    ? []
    : names.filter((name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u.test(name))
  return [
    ...ips.map((ip) => withHost(url, () => (ip.includes(":") ? `[${ip}]` : ip))),
    ...pods.map((name) => withHost(url, (host) => `${name}.${host}`))
  ].slice(0, CANDIDATES_MAX)
}

const make = Effect.gen(function* () {
  const egress = yield* Egress

  const readSized = <A>(server: Server, schema: Schema.Codec<A, unknown>, page: string, query = {}) =>
    egress.request({ method: "GET", answer: "listing", ...server, url: pageUrl(server, page, query) }).pipe(
      Effect.mapError((error) => error.sourceError),
      Effect.flatMap((answer) =>
        answer.status === 200
          ? Effect.map(jsonBody(schema, answer, `NATS monitoring's /${page}`), (value) => ({
              value,
              chars: answer.body.length
            }))
          : Effect.fail(statusError(answer).sourceError)
      )
    )

  const read = <A>(server: Server, schema: Schema.Codec<A, unknown>, page: string) =>
    Effect.map(readSized(server, schema, page), ({ value }) => value)

  const readServer = Effect.fn("Nats.readServer")(function* (server: Server, account: string | undefined, held: Held) {
    const query = { accounts: "true", streams: "true", consumers: "true", config: "true" }
    const only: Readonly<Record<string, string>> = account === undefined ? {} : { acc: account }
    const page = Effect.fnUntraced(function* (offset: number) {
      const part = { ...query, ...only, offset: String(offset), limit: String(ACCOUNTS_PER_PAGE) }
      const { chars, value } = yield* readSized(server, Jsz, "jsz", part)
      held.chars += chars
      return held.chars > VIEW_CHARS_MAX ? yield* tooMany(offset + ACCOUNTS_PER_PAGE) : value
    })
    const first = yield* page(0)
    const pages = [first]
    // A full page is followed by another, whether or not the server says how many there are.
    for (let offset = ACCOUNTS_PER_PAGE; (pages.at(-1)?.account_details ?? []).length >= ACCOUNTS_PER_PAGE;) {
      if (pages.length === PAGES_MAX) return yield* tooMany(offset)
      const next = yield* page(offset)
      if (next.server_id !== first.server_id) {
        return yield* new SourceError({
          why: "NotLeader",
          detail:
            "The pages of one answer came from different NATS servers. Name a single server in natsMonitoringURL, or the account."
        })
      }
      pages.push(next)
      offset += ACCOUNTS_PER_PAGE
    }
    return serverOf(first, pages)
  })

  const readMembers = Effect.fn("Nats.readMembers")(function* (server: Server) {
    const [varz, routez] = yield* Effect.all([read(server, Varz, "varz"), read(server, Routez, "routez")], {
      concurrency: 2
    })
    const routes = routez.routes ?? []
    const names = new Map([[varz.server_id, varz.server_name]])
    for (const { remote_id, remote_name = "" } of routes) if (remote_name !== "") names.set(remote_id, remote_name)
    return { names, routes }
  })

  /** A member whom the first one's routes did not name says itself who it is. */
  const readMember = Effect.fnUntraced(function* (
    member: Server,
    account: string | undefined,
    names: ReadonlyMap<string, string>,
    held: Held
  ) {
    const server = yield* readServer(member, account, held)
    const known = names.get(server.id)
    if (known !== undefined) return { ...server, name: known }
    const varz = yield* read(member, Varz, "varz")
    return { ...server, name: varz.server_id === server.id ? varz.server_name : undefined }
  })

  const view = Effect.fn("Nats.view")(function* (question: JetStreamQuestion) {
    const { account, headers = {}, monitoringUrl, peerUrls = [], tls } = question
    const proof = tls === undefined ? { headers } : { headers, tls }
    const entrance: Server = { url: monitoringUrl, ...proof }
    const held: Held = { chars: 0 }
    const first = yield* readServer(entrance, account, held)
    if (!first.clustered) return { servers: [{ ...first, name: undefined }], unreached: [] } as JetStreamView

    const { names, routes } = yield* readMembers(entrance)
    const reached = new Map<string, JetStreamServer>()
    const note = (name: string | undefined, server: JetStreamServer) => {
      // A server of its own that was named as a peer by mistake would be believed about everything.
      const belongs = server.clustered || !server.enabled
      if (name !== undefined && belongs) reached.set(name, server)
    }
    const missing = () => {
      const mentioned = [...reached.values(), first].flatMap((server) => server.mentioned)
      return [...new Set([...mentioned, ...names.values()])].filter((name) => !reached.has(name))
    }
    const askAll = Effect.fnUntraced(function* (members: ReadonlyArray<Server>) {
      const ask = (member: Server) =>
        Effect.result(readMember({ ...member, timeoutMillis: PEER_MILLIS }, account, names, held))
      for (const answer of yield* Effect.forEach(members, ask, { concurrency: MEMBERS_MAX })) {
        if (Result.isSuccess(answer)) note(answer.success.name, answer.success)
      }
    })

    note(names.get(first.id), first)
    yield* askAll(peerUrls.slice(0, MEMBERS_MAX).map((url) => ({ url, ...proof })))
    const ips = routes
      .filter(({ remote_id, remote_name }) => !reached.has(remote_name ?? names.get(remote_id) ?? ""))
      .flatMap(({ ip = "" }) => (ip === "" ? [] : [ip]))
    // Found, not named: the policy's headers and certificate were not meant for them; whom it trusts, they must prove.
    const trust = tls?.ca === undefined ? {} : { tls: { ca: tls.ca } }
    const found = reached.size < first.size ? candidates(monitoringUrl, missing(), [...new Set(ips)]) : []
    yield* askAll(found.map((url) => ({ url, headers: {}, ...trust })))
    const silent = missing()
    const unnamed = first.size - reached.size - silent.length
    return {
      servers: [...reached].map(([name, server]) => ({ ...server, name })),
      unreached: unnamed > 0 ? [...silent, `${unnamed} more`] : silent
    } as JetStreamView
  })

  return Nats.of({ jetStream: yield* sharedAnswers(view, { capacity: VIEWS_MAX }) })
})

export const layer: Layer.Layer<Nats, never, Egress> = Layer.effect(Nats, make)
