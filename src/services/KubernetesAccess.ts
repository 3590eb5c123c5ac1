/**
 * Which cluster is meant and what proves who we are: a kubeconfig or the pod's own service account. What may change
 * while we run (tokens, certificates) is read again by `load`; what is chosen once (the server) is not.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { existsSync, readFileSync } from "node:fs"
import type { RequestOptions } from "node:https"
import { isIPv6 } from "node:net"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"

export interface TlsMaterial {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly servername?: string | undefined
  readonly rejectUnauthorized?: false | undefined
}

export interface Credentials {
  /** Authorization and impersonation. Never logged, never in an error. */
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsMaterial
}

/** What `doctor` and `dev` may show. */
export interface ClusterInfo {
  /** With a path where the API is behind one, without a slash at its end. */
  readonly server: string
  /** Name of the kubeconfig's context; "in-cluster" for a service account. */
  readonly context: string
  /** Of the context or the pod. */
  readonly namespace: string | undefined
  readonly proxyUrl: string | undefined
  /** Nobody checks that the server is who it says. */
  readonly insecure: boolean
}

/** No cluster could be chosen, or nothing proves who we are: a sentence for whoever started us. */
export class AccessError extends Schema.TaggedError<AccessError>()("AccessError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

export class KubernetesAccess extends Context.Service<
  KubernetesAccess,
  {
    readonly cluster: ClusterInfo
    /** `anew`: what was given before has been refused. */
    readonly load: (anew: boolean) => Effect.Effect<Credentials, AccessError>
  }
>()("nimbusguard/services/KubernetesAccess") {}

export interface AccessOptions {
  /** Like KUBECONFIG: one path or several. */
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  /** Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly serviceAccountFolder?: string
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

/** What the user names wins over KUBECONFIG, that over the pod's service account, and that over ~/.kube/config. */
export const findAccess = Effect.fn("KubernetesAccess.find")(function* (
  options: AccessOptions = {}
): Effect.fn.Return<KubernetesAccess["Service"], AccessError> {
  const { env = process.env, serviceAccountFolder = SERVICE_ACCOUNT } = options
  const home = join(env["HOME"] ?? homedir(), ".kube", "config")
  const named = options.kubeconfig ?? env["KUBECONFIG"] ?? ""
  if (named !== "") return yield* fromKubeconfigs(named.split(delimiter), options.context)
  if (options.context !== undefined) return yield* fromKubeconfigs([home], options.context)
  const host = env["KUBERNETES_SERVICE_HOST"]
  if (host !== undefined && existsSync(`${serviceAccountFolder}/token`)) {
    return fromServiceAccount(serviceAccountFolder, host, env["KUBERNETES_SERVICE_PORT"] ?? "443")
  }
  if (existsSync(home)) return yield* fromKubeconfigs([home], undefined)
  return yield* new AccessError({
    detail:
      "No cluster is configured: set KUBECONFIG or --kubeconfig, make a ~/.kube/config, or run inside a cluster with a service account."
  })
})

/** Needs no client library, so that a pod starts without loading one. */
const fromServiceAccount = (folder: string, host: string, port: string): KubernetesAccess["Service"] => {
  const read = (name: string) => readFileSync(`${folder}/${name}`, "utf8").trim()
  const optional = (name: string) => (existsSync(`${folder}/${name}`) ? read(name) : undefined)
  return {
    cluster: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      context: "in-cluster",
      namespace: optional("namespace"),
      proxyUrl: undefined,
      insecure: false
    },
    // The kubelet replaces both files long before they expire.
    load: () =>
      Effect.try({
        try: (): Credentials => ({
          headers: { authorization: `Bearer ${read("token")}` },
          tls: { ca: optional("ca.crt") }
        }),
        catch: () => new AccessError({ detail: `The service account's token in ${folder} cannot be read.` })
      })
  }
}

const loadClient = Effect.promise(() => import("#services/kubeconfigClient"))

const fromKubeconfigs = Effect.fnUntraced(function* (paths: ReadonlyArray<string>, context: string | undefined) {
  const client = yield* loadClient
  const chosen = yield* readKubeconfigs(client, paths, context)
  const { cluster, user } = chosen
  /** Exec plugins and OIDC keep what they were given in it, until it is refused. */
  let kubeconfig = authenticator(client, chosen)
  const credentials = async (anew: boolean): Promise<Credentials> => {
    if (anew) kubeconfig = authenticator(client, chosen)
    const given: RequestOptions = { headers: {} }
    await kubeconfig.applyToHTTPSOptions(given)
    const basic =
      given.auth === undefined || given.auth === null
        ? {}
        : { authorization: `Basic ${Buffer.from(given.auth).toString("base64")}` }
    const { ca, cert, headers = {}, key } = given
    return {
      headers: { ...basic, ...lowerCased(headers) },
      tls: {
        ca: text(ca),
        cert: text(cert),
        key: text(key),
        servername: cluster.tlsServerName,
        rejectUnauthorized: cluster.skipTLSVerify ? false : undefined
      }
    }
  }
  return {
    cluster: {
      server: cluster.server,
      context: chosen.context.name,
      namespace: chosen.context.namespace,
      proxyUrl: cluster.proxyUrl,
      insecure: cluster.skipTLSVerify || cluster.server.startsWith("http:")
    },
    load: (anew: boolean) =>
      Effect.tryPromise({
        try: () => credentials(anew),
        catch: (cause) =>
          new AccessError({ detail: `The credentials of the user ${user.name} cannot be had: ${reasonOf(cause)}` })
      })
  } satisfies KubernetesAccess["Service"]
})

type Client = typeof import("#services/kubeconfigClient")
type Named = { readonly name: string }

/** As kubectl merges them: missing files count for nothing, and of two entries of one name the first holds. */
const readKubeconfigs = Effect.fnUntraced(function* (
  client: Client,
  paths: ReadonlyArray<string>,
  wanted: string | undefined
) {
  const files = paths.filter((path) => path !== "" && existsSync(path))
  if (files.length === 0) {
    return yield* new AccessError({ detail: `There is no kubeconfig at ${paths.join(delimiter)}.` })
  }
  const parts = yield* Effect.forEach(files, (path) =>
    Effect.try({
      try: () => {
        const part = new client.KubeConfig()
        part.loadFromFile(path)
        return part
      },
      catch: (cause) => new AccessError({ detail: `The kubeconfig ${path} cannot be read: ${reasonOf(cause)}` })
    })
  )
  const find = <A extends Named>(
    what: string,
    name: string,
    all: (part: (typeof parts)[number]) => ReadonlyArray<A>
  ) => {
    const known = parts.flatMap((part) => all(part))
    const found = known.find((one) => one.name === name)
    if (found !== undefined) return Effect.succeed(found)
    const lacks =
      name === "" ? `current ${what} (name one with --kube-context or KUBE_CONTEXT)` : `${what} named ${name}`
    const names = known.map((one) => one.name).join(", ")
    const detail = `The kubeconfig ${files.join(delimiter)} has no ${lacks}. It has: ${names === "" ? "none" : names}.`
    return Effect.fail(new AccessError({ detail }))
  }
  const current = parts.map((part) => part.getCurrentContext() as string | undefined).find((name) => name)
  const context = yield* find("context", wanted ?? current ?? "", (part) => part.getContexts())
  const cluster = yield* find("cluster", context.cluster, (part) => part.getClusters())
  const wrong = addressIssue(cluster)
  if (wrong !== undefined)
    return yield* new AccessError({ detail: `The kubeconfig's cluster ${cluster.name} ${wrong}.` })
  const user = yield* find("user", context.user, (part) => part.getUsers())
  return { context, cluster, user }
})

/** What is wrong with the addresses of a cluster, in words that repeat nothing of them: they may hold a password. */
const addressIssue = ({ proxyUrl, server }: { readonly server: string; readonly proxyUrl?: string | undefined }) => {
  if (!hasScheme(server, /^https?:$/u)) return "has a server that is not an http:// or https:// URL"
  const { password, username } = new URL(server)
  if (username !== "" || password !== "") {
    return "has a user and a password in its server's URL: move them to the kubeconfig's user"
  }
  return proxyUrl === undefined || hasScheme(proxyUrl, /^(?:https?|socks5h?):$/u)
    ? undefined
    : "has a proxy-url that is not an http://, https:// or socks5:// URL"
}

const hasScheme = (url: string, schemes: RegExp): boolean => URL.canParse(url) && schemes.test(new URL(url).protocol)

type Chosen = Effect.Success<ReturnType<typeof readKubeconfigs>>

/** Only for credentials: the library refuses plain http and would open sockets of its own to the real address. */
const authenticator = (client: Client, { cluster, context, user }: Chosen) => {
  const kubeconfig = new client.KubeConfig()
  const stand_in = { name: cluster.name, server: "https://credentials.invalid", skipTLSVerify: cluster.skipTLSVerify }
  kubeconfig.loadFromOptions({
    clusters: [{ ...stand_in, caData: cluster.caData, caFile: cluster.caFile }],
    users: [user],
    contexts: [context],
    currentContext: context.name
  })
  return kubeconfig
}

const DETAIL_MAX_CHARS = 300
/** Parsers quote what they could not read, and here that is tokens and keys. */
const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "for a reason unknown"
  if (cause instanceof SyntaxError) return "what its plugin answered is not JSON"
  // The first line of a YAML error is its own, the others are the file's.
  const said = cause.name === "YAMLException" ? (cause.message.split("\n", 1)[0] ?? "") : cause.message
  return said.trim() === "" ? "its plugin failed without a word" : said.trim().slice(0, DETAIL_MAX_CHARS)
}

/** PEM, whether as text or bytes. */
const text = (value: unknown): string | undefined =>
  typeof value === "string" ? value : Buffer.isBuffer(value) ? value.toString("utf8") : undefined

const lowerCased = (headers: object): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()]))
